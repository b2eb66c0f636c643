package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"picam/capture"
)

func devicesCommand() *cli.Command {
	return &cli.Command{
		Name:      "devices",
		Usage:     "list this computer's cameras, and what to type for them",
		UsageText: "picam devices\npicam devices --json",
		Flags:     group("", toggle("json", "print all of it as JSON, for programs")),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			// A camera that has stalled would not answer for longer.
			ctx, cancel := context.WithTimeout(c.Context, 5*time.Second)
			defer cancel()
			list := append(capture.Devices(ctx), capture.RpicamDevices(ctx)...)
			if c.Bool("json") {
				e := json.NewEncoder(c.App.Writer)
				e.SetIndent("", "  ")
				return e.Encode(list)
			}
			writeDevices(c.App.Writer, list)
			return nil
		},
	}
}

// writeDevices prints cameras for people.
func writeDevices(w io.Writer, list []capture.Device) {
	if len(list) == 0 {
		fmt.Fprintln(w, "there is no camera, neither one that V4L2 knows nor one that rpicam-vid knows")
	}
	for i, d := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, words(d.Card, d.Driver, d.Bus, d.Path))
		fmt.Fprintln(w, "  --source", d.Source)
		if len(d.Users) > 0 {
			fmt.Fprintln(w, "  in use by", strings.Join(d.Users, ", "))
		}
		if d.Trouble != "" {
			fmt.Fprintln(w, " ", d.Trouble)
		}
		var others []string
		for _, f := range d.Formats {
			if f.Use == "" {
				others = append(others, f.Name)
				continue
			}
			head := f.Name + " " + f.Use
			for _, s := range f.Sizes {
				fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-15s %-10s %s", head, sizeText(s), ratesText(s)), " "))
				head = ""
			}
		}
		if len(others) > 0 {
			fmt.Fprintln(w, "  which picam does not take:", strings.Join(others, ", "))
		}
		for _, c := range d.Controls {
			if !c.Locked {
				fmt.Fprintf(w, "  --control %s=%d of %s\n", c.Name, c.Value, c.Takes())
			}
		}
	}
}

// sizeText is what --size takes, or the range of it.
func sizeText(s capture.DeviceSize) string {
	if s.MaxWidth == 0 {
		return fmt.Sprintf("%dx%d", s.Width, s.Height)
	}
	return fmt.Sprintf("%dx%d to %dx%d", s.Width, s.Height, s.MaxWidth, s.MaxHeight)
}

// ratesText is what --fps takes.
func ratesText(s capture.DeviceSize) string {
	var rates []string
	for _, f := range s.FPS {
		rates = append(rates, strconv.FormatFloat(f, 'f', -1, 64))
	}
	switch {
	case len(rates) == 0:
		return ""
	case s.FPSRange:
		return rates[1] + " to " + rates[0] + " a second"
	}
	return strings.Join(rates, ", ") + " a second"
}
