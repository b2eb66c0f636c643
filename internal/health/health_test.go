package health

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutage(t *testing.T) {
	type step struct {
		after time.Duration // before it
		cause string        // "": it works
		tell  bool          // or, where it works, that this ends an outage
	}
	numbered := func(n int) (list []step) {
		for i := range n {
			list = append(list, step{0, fmt.Sprint("cause ", i), i < maxCauses})
		}
		return list
	}
	for _, tt := range []struct {
		name  string
		again time.Duration
		steps []step
	}{
		{"works", 0, []step{{0, "", false}, {0, "", false}}},
		{"the same cause", 0, []step{{0, "a", true}, {0, "a", false}, {time.Hour, "a", false}}},
		{"another cause", 0, []step{{0, "a", true}, {0, "b", true}, {0, "a", false}, {0, "b", false}}},
		{"over, and again", 0, []step{{0, "a", true}, {0, "", true}, {0, "", false}, {0, "a", true}}},
		{"told again", time.Minute, []step{{0, "a", true}, {59 * time.Second, "a", false}, {time.Second, "a", true},
			{time.Second, "a", false}}},
		{"each on its own", time.Minute, []step{{0, "a", true}, {30 * time.Second, "b", true},
			{30 * time.Second, "a", true}, {0, "b", false}}},
		{"causes without end", 0, append(numbered(100), step{0, "", true}, step{0, "cause 99", true})},
		{"causes without end, told again", time.Minute, append(numbered(20), step{time.Minute, "cause 19", false},
			step{0, "cause 3", true})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := Outage{Again: tt.again}
				for i, s := range tt.steps {
					time.Sleep(s.after)
					var got bool
					if s.cause == "" {
						_, got = o.Over()
					} else {
						got = o.Failed(s.cause)
					}
					if got != s.tell || o.Cause() != s.cause {
						t.Errorf("step %d, %q: told %v, want %v; the cause is %q", i, s.cause, got, s.tell, o.Cause())
					}
				}
			})
		})
	}
}

func TestOutageLasted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o Outage
		for range 2 {
			o.Failed("a")
			time.Sleep(time.Minute)
			o.Failed("b")
			time.Sleep(time.Minute)
			if lasted, ended := o.Over(); !ended || lasted != 2*time.Minute {
				t.Errorf("%v, %v; want 2m", lasted, ended)
			}
			time.Sleep(time.Minute)
		}
	})
}
