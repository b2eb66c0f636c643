package cli

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// statusPeriod is how often systemd hears what picam is doing, at most: each time wakes it up.
const statusPeriod = 5 * time.Second

// notifier tells systemd how a run does, where systemd has started it as a service of Type=notify; see sd_notify(3). A
// nil one does nothing.
//
// A watchdog wants to hear from picam again and again, and starts it anew if it does not. It hears from the loop that
// also draws the live line, once a second, as long as that loop runs and no stallDetector stands still.
type notifier struct {
	log      *slog.Logger
	watchdog time.Duration // 0: none
	said     string
	saidAt   time.Time
	stalled  bool
	deaf     bool // telling has failed
}

// newNotifier returns nil where there is nobody to tell.
func newNotifier(log *slog.Logger) *notifier {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("no watchdog", "error", err)
	}
	return &notifier{log: log, watchdog: watchdog}
}

// ready says that all is open that the run needs at its beginning.
func (n *notifier) ready() { n.tell(daemon.SdNotifyReady) }

// stopping says that the run ends. It may be called beside tick.
func (n *notifier) stopping() {
	if n != nil {
		_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) // what tick finds out it has told of
	}
}

// tick is to be called once a second, with the live line, and with what stands still that should not; "" is nothing.
func (n *notifier) tick(line, stalled string) {
	if n == nil {
		return
	}
	var news []string
	if n.watchdog > 0 && stalled == "" {
		news = append(news, daemon.SdNotifyWatchdog)
	}
	if (stalled != "") != n.stalled {
		n.stalled = stalled != ""
		if n.stalled {
			n.log.Error("picam hangs, and tells the watchdog nothing until it goes on", "what", stalled)
		} else {
			n.log.Info("picam goes on")
		}
		n.saidAt = time.Time{}
	}
	if status := words(stalled, line); status != n.said && time.Since(n.saidAt) >= statusPeriod {
		n.said, n.saidAt = status, time.Now()
		news = append(news, "STATUS="+strings.Join(strings.Fields(status), " ")) // one line
	}
	if len(news) > 0 {
		n.tell(news...)
	}
}

func (n *notifier) tell(news ...string) {
	if n == nil {
		return
	}
	_, err := daemon.SdNotify(false, strings.Join(news, "\n"))
	if err != nil && !n.deaf {
		n.log.Warn("cannot tell systemd", "error", err)
	}
	n.deaf = err != nil
}

// patience is how long something may stand still before it counts as stalled.
func (n *notifier) patience() time.Duration {
	if n == nil {
		return 0
	}
	return n.watchdog
}

// stallDetector tells work that goes on from work that hangs, by counters. It belongs to one goroutine.
type stallDetector struct {
	counts []int64
	since  time.Time // when they moved last, or had no reason to
}

// stalled reports whether the counts have not moved for longer than patience, though they are due to: a camera that is
// away moves nothing, and is not stalled. With a patience of 0 nothing ever is still.
func (p *stallDetector) stalled(now time.Time, patience time.Duration, due bool, counts ...int64) bool {
	if !due || p.since.IsZero() || !slices.Equal(counts, p.counts) {
		p.counts, p.since = counts, now
	}
	return patience > 0 && now.Sub(p.since) > patience
}
