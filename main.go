// picam carries a camera's frames to another computer and shows them there through a chain of OpenCV filters.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"picam/cli"
)

// version is set by the linker (make build).
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Another signal ends the program at once, but for one right behind the first: scripts send what a terminal has sent.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second/2, stop) })
	os.Exit(cli.Run(ctx, version, os.Args, os.Stdout, os.Stderr))
}
