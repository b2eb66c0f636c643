package capture

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestOutage: the log has each trouble once, whatever its words, and the end of it.
func TestOutage(t *testing.T) {
	text, log := newLog()
	o := outage{log: log}
	lines := func(want ...string) {
		t.Helper()
		got := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
		if len(got) != len(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("line %d: %s, want %s", i+1, got[i], want[i])
			}
		}
	}
	gone, busy := &troubleError{text: "gone", does: waits}, &troubleError{text: "busy", detail: "by 7", key: "in use"}
	o.fine()
	if err := o.failure(); err != nil {
		t.Error(err)
	}
	o.tell(gone)
	o.tell(gone)
	o.tell(busy)
	o.tell(&troubleError{text: "still busy", key: "in use"})
	o.tell(gone)
	if got := o.Trouble(); got != "gone; picam waits for it" {
		t.Errorf("trouble %q", got)
	}
	if err := o.failure(); err == nil || err.Error() != "capture: gone" {
		t.Error(err)
	}
	lines(`msg="gone; picam waits for it"`, `msg=busy detail="by 7"`)
	o.fine()
	o.fine()
	if got := o.Trouble(); got != "" {
		t.Errorf("trouble %q", got)
	}
	o.tell(busy)
	lines("msg=\"gone", "msg=busy", "the camera gives frames", "msg=busy")
}

// TestTroubleOnce: who does not try again does not promise to, and the trouble itself keeps its promise.
func TestTroubleOnce(t *testing.T) {
	for _, tt := range []struct {
		err        error
		full, once string
		hopeless   bool
	}{
		{&troubleError{text: "no answer", does: triesAgain}, "no answer; picam tries again", "no answer", false},
		{&troubleError{text: "it ended", detail: "exit status 1", does: startsItAgain},
			"it ended (exit status 1); picam starts it again",
			"it ended (exit status 1)", false},
		{hopeless("nothing at %s", "/x"), "nothing at /x", "nothing at /x", true},
		{errors.New("picam tries again; picam waits for it"), "picam tries again; picam waits for it",
			"picam tries again; picam waits for it", false},
		{io.EOF, "EOF", "EOF", false},
	} {
		short := once(tt.err)
		if short.Error() != tt.once || tt.err.Error() != tt.full {
			t.Errorf("%q and once %q, want %q and %q", tt.err, short, tt.full, tt.once)
		}
		if got := troubleIn(tt.err).hopeless; got != tt.hopeless {
			t.Errorf("%q: hopeless %v", tt.err, got)
		}
		if got := troubleIn(fmt.Errorf("capture: %w", short)).hopeless; got != tt.hopeless {
			t.Errorf("%q, wrapped: hopeless %v", tt.err, got)
		}
	}
	if once(io.EOF) != io.EOF {
		t.Error("the end is not io.EOF any more")
	}
}
