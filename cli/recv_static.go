//go:build !cgo

package cli

import (
	"errors"

	"github.com/urfave/cli/v2"
)

// This build is the sender for small computers: a static file without OpenCV.

func visionText() string { return "without OpenCV: send only" }

func noOpenCV(name, usage string) *cli.Command {
	return &cli.Command{
		Name:            name,
		Usage:           usage + " (not in this build)",
		SkipFlagParsing: true,
		Action: func(*cli.Context) error {
			return errors.New("this picam is built without OpenCV and can only send; " +
				"on the computer with the screen build it with OpenCV: make build")
		},
	}
}

func recvCommand() *cli.Command { return noOpenCV("recv", "receive frames, filter and show them") }

func filtersCommand() *cli.Command {
	return noOpenCV("filters", "list the filters and their parameters")
}

func checkCommand() *cli.Command { return noOpenCV("check", "check a filters file") }

func filterNames() []string { return nil }

// ownCamera is what --from of a build with OpenCV calls this computer's own camera.
const ownCamera = "camera"
