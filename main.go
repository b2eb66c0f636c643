// picam carries a camera's frames to another computer and shows them there through a chain of OpenCV filters.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"picam/cli"
)

// version is set by the linker (make build).
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(cli.Run(ctx, version, os.Args, os.Stdout, os.Stderr))
}
