package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/urfave/cli/v2"

	"picam/transport"
	"picam/transport/discovery"
)

func discoverCommand() *cli.Command {
	return &cli.Command{
		Name:      "discover",
		Usage:     "list the receivers and cameras that are on the network",
		UsageText: "picam discover\npicam discover --json --time 10s",
		Flags: group("",
			span("time", 3*time.Second, time.Millisecond, "how long to wait for answers"),
			toggle("json", "print all of it as JSON, for programs"),
		),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			adoptLog(slog.New(slog.DiscardHandler))
			ctx, cancel := context.WithTimeout(c.Context, c.Duration("time"))
			defer cancel()
			list, err := discovery.List(ctx)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				e := json.NewEncoder(c.App.Writer)
				e.SetIndent("", "  ")
				return e.Encode(list)
			}
			return writePeers(c.App.Writer, list)
		},
	}
}

// writePeers prints peers for people.
func writePeers(w io.Writer, list []discovery.Peer) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "nobody has answered: is picam recv running in the same network, without --announce=false, "+
			"and does no firewall stop UDP port 5353?")
		return err
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "NAME\tKIND\tADDRESS\tVERSION\tWHAT TO TYPE")
	for _, p := range list {
		flag := "picam send "
		if p.Kind == discovery.Camera {
			flag = "picam recv "
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\n", p.Name, p.Kind, p.Dials()[0], p.Version, flag+typedChoice(p.Kind, p.Name))
	}
	return tab.Flush()
}

// What stands for a receiver that is to be found, and for a camera: of picam recv's sources, auto is this computer's
// own camera.
const (
	autoReceiver = "auto"
	autoCamera   = "auto"
)

// wanted reports whether text, what a user typed for an address, is word or word:NAME, and returns the name; "" is the
// only one there is.
func wanted(word, text string) (name string, ok bool) {
	before, name, _ := strings.Cut(text, ":")
	return strings.TrimSpace(name), before == word
}

// typedChoice is what to type to have one of several.
func typedChoice(k discovery.Kind, name string) string {
	text := "--to " + autoReceiver + ":"
	if k == discovery.Camera {
		text = "--from " + autoCamera + ":"
	}
	if strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.", r)
	}) {
		return text + "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return text + name
}

// finding returns what finds a peer for a dialler. If there are several to choose from, it ends the run and says what
// to type.
func finding(k discovery.Kind, name string, log *slog.Logger, end func(error)) transport.Find {
	f := &discovery.Finder{Kind: k, Name: name, Log: log}
	return func(ctx context.Context) ([]string, error) {
		addrs, err := f.Find(ctx)
		var several *discovery.SeveralError
		if errors.As(err, &several) {
			var choices []string
			for _, p := range several.Peers {
				choices = append(choices, typedChoice(k, p.Name))
			}
			end(fmt.Errorf("%w; type one of %s", err, strings.Join(choices, ", ")))
		}
		return addrs, err
	}
}

// announceFlag is of the commands that listen.
func announceFlag(who string) *option {
	return switched("announce", true, "tell the local network "+who+"; --announce=false does not")
}

// announce begins to say on the network who listens at addr, and returns what ends that, with a goodbye. name is the
// computer's if it is "".
func announce(ctx context.Context, k discovery.Kind, name string, addr net.Addr, version string, log *slog.Logger) (stop func()) {
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "picam"
		}
		name, _, _ = strings.Cut(host, ".")
		// A second receiver on the same computer has another port, and by that a name that does not change with the
		// order in which they start.
		if _, port, err := net.SplitHostPort(addr.String()); err == nil && port != transport.DefaultPort {
			name += "-" + port
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		discovery.Announcement{Name: name, Kind: k, Addr: addr, Version: version, Log: log}.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}
