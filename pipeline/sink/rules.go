package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/internal/file"
	"picam/pipeline"
)

// Rules is a sink that does what the rules of the chain say when something is found: it runs programs, posts events,
// saves frames and clips. All of that is done by a goroutine of its own, one thing after another, so that the frame
// never waits; while more than a few things wait, further ones are left out, which the log says.
func Rules(o Options) pipeline.Sink {
	o = o.withDefaults()
	r := &rules{log: o.Log, quality: o.Quality, states: map[*pipeline.Rule]*ruleState{}, jobs: make(chan job, maxJobs),
		done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	go r.work()
	return r
}

const (
	maxJobs    = 8                // that wait
	actionTime = 30 * time.Second // with a program or a web server
	lastWait   = 5 * time.Second  // with what is still to be done when the camera's pipeline ends
	maxHistory = 64 << 20         // bytes of a camera's frames that are kept for the beginning of a clip
	gap        = 500 * time.Millisecond
)

// rules is the state of one camera's rules. Show and Close own it but for the jobs.
type rules struct {
	log     *slog.Logger
	quality int
	plan    *pipeline.Plan // that states are of
	states  map[*pipeline.Rule]*ruleState
	history []shot // the last frames, the oldest first
	clips   []*clip
	jobs    chan job
	skipped int // jobs since the last one that had room
	lost    losses

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

// ruleState is what a rule has seen.
type ruleState struct {
	since time.Time // when what it waits for came; zero: it is not there
	last  time.Time // when it was there last
	acted time.Time
}

// shot is one of the camera's own frames.
type shot struct {
	jpeg []byte
	at   time.Time
}

// clip is one that is being taken.
type clip struct {
	path  string
	until time.Time
	shots []shot
}

// job is something to be done.
type job struct {
	run      []string
	post     string
	snapshot string
	pixels   gocv.Mat // of the snapshot; the job owns it
	event    []byte   // JSON
	clip     *clip
}

func (r *rules) TakesJPEG() bool { return true }

func (r *rules) Show(f *pipeline.Frame) error {
	now := f.Received
	plan := f.Plan()
	if plan != r.plan {
		r.replan(plan)
	}
	r.remember(f, now)
	for _, rule := range plan.Rules {
		d, ok := rule.Match(f.Found)
		if s := r.states[rule]; s.due(rule, ok, now) {
			s.acted = now
			r.act(rule, f, d)
		}
	}
	return nil
}

// replan takes over a plan. Rules that it shares with the one before keep their state.
func (r *rules) replan(plan *pipeline.Plan) {
	states := make(map[*pipeline.Rule]*ruleState, len(plan.Rules))
	for _, rule := range plan.Rules {
		if states[rule] = r.states[rule]; states[rule] == nil {
			states[rule] = &ruleState{}
		}
	}
	r.plan, r.states = plan, states
}

// due takes in whether what rule waits for is in the frame of that time, and says whether to act. A gap of half a
// second is none: detectors miss a frame now and then.
func (s *ruleState) due(rule *pipeline.Rule, there bool, now time.Time) bool {
	if !there {
		if now.Sub(s.last) > gap {
			s.since = time.Time{}
		}
		return false
	}
	if s.since.IsZero() {
		s.since = now
	}
	s.last = now
	return now.Sub(s.since) >= rule.For && (s.acted.IsZero() || now.Sub(s.acted) >= rule.Cooldown)
}

// remember keeps the frame as long as a clip may begin with it, and gives it to the clips that are being taken.
func (r *rules) remember(f *pipeline.Frame, now time.Time) {
	var before time.Duration
	wanted := len(r.clips) > 0
	for _, rule := range r.plan.Rules {
		if rule.Clip != "" {
			before, wanted = max(before, rule.Before), true
		}
	}
	if !wanted {
		r.history = nil
		return
	}
	s := shot{bytes.Clone(f.JPEG()), now}
	r.history = append(r.history, s)
	size, first := 0, len(r.history)
	for first > 0 && size+len(r.history[first-1].jpeg) <= maxHistory && now.Sub(r.history[first-1].at) <= before {
		first--
		size += len(r.history[first].jpeg)
	}
	r.history = append(r.history[:0], r.history[first:]...)

	going := r.clips[:0]
	for _, c := range r.clips {
		if now.After(c.until) {
			r.enqueue(job{clip: c})
			continue
		}
		c.shots = append(c.shots, s)
		going = append(going, c)
	}
	r.clips = going
}

// act puts what rule says in the queue.
func (r *rules) act(rule *pipeline.Rule, f *pipeline.Frame, d filters.Detection) {
	fill := placeholdersOf(f, d)
	if rule.Clip != "" {
		c := &clip{path: fill.paths.Replace(rule.Clip), until: f.Received.Add(rule.After)}
		for _, s := range r.history { // this frame is its last
			if f.Received.Sub(s.at) <= rule.Before {
				c.shots = append(c.shots, s)
			}
		}
		r.clips = append(r.clips, c)
	}
	j := job{post: fill.addresses.Replace(rule.Post)}
	for _, word := range rule.Run {
		j.run = append(j.run, fill.texts.Replace(word))
	}
	var err error
	if j.event, err = json.Marshal(eventOf(f, f.Found)); err != nil {
		r.log.Error("a rule", "error", err)
		return
	}
	if rule.Snapshot != "" && !f.Passthrough() {
		m := f.Mat()
		j.snapshot, j.pixels = fill.paths.Replace(rule.Snapshot), m.Clone()
	}
	r.log.Info("found", "camera", f.Camera, "stage", d.Stage, "label", d.Label, "value", d.Value)
	if len(j.run) > 0 || j.post != "" || j.snapshot != "" {
		r.enqueue(j)
	}
}

// enqueue has j done, or leaves it out where too much waits.
func (r *rules) enqueue(j job) {
	select {
	case r.jobs <- j:
		if r.skipped > 0 {
			r.log.Warn("rules have more to do than can be done; some of it was left out", "times", r.skipped)
			r.skipped = 0
		}
	default:
		r.lost.add(ruleBusy, 1)
		r.skipped++
		j.close()
	}
}

// Lost counts what rules were to do and did not.
func (r *rules) Lost() map[string]int64 { return r.lost.counts() }

func (j *job) close() {
	if j.snapshot != "" {
		j.pixels.Close()
	}
}

// Close waits a little for what is still to be done.
func (r *rules) Close() error {
	for _, c := range r.clips {
		r.enqueue(job{clip: c})
	}
	close(r.jobs)
	stop := time.AfterFunc(lastWait, r.cancel)
	defer stop.Stop()
	<-r.done
	r.cancel()
	return nil
}

func (r *rules) work() {
	defer close(r.done)
	for j := range r.jobs {
		if err := r.do(j); err != nil {
			r.lost.add(ruleFailed, 1)
			r.log.Error("a rule failed", "error", err)
		}
		j.close()
	}
}

// do does what j says; the snapshot first, since a program may look for it.
func (r *rules) do(j job) error {
	var errs []error
	if j.clip != nil {
		errs = append(errs, r.saveClip(j.clip))
	}
	if j.snapshot != "" {
		errs = append(errs, r.save(j.snapshot, j.pixels))
	}
	if len(j.run) > 0 {
		errs = append(errs, r.run(j.run, j.event))
	}
	if j.post != "" {
		errs = append(errs, r.post(j.post, j.event))
	}
	return errors.Join(errs...)
}

func (r *rules) saveClip(c *clip) (err error) {
	enc := jpegEncoder{quality: r.quality}
	defer enc.close()
	var all []byte
	for _, s := range c.shots {
		if all, err = enc.appendUpright(all, s.jpeg); err != nil {
			return err
		}
	}
	return errors.Join(makeFolder(c.path), file.Replace(c.path, all))
}

func (r *rules) save(path string, pixels gocv.Mat) (err error) {
	var data []byte
	if strings.ToLower(filepath.Ext(path)) == ".png" {
		enc := newPNGEncoder()
		defer enc.close()
		data, err = enc.append(nil, pixels)
	} else {
		enc := jpegEncoder{quality: r.quality}
		defer enc.close()
		data, err = enc.appendMat(nil, pixels)
	}
	if err == nil {
		err = makeFolder(path)
	}
	if err == nil {
		err = file.Replace(path, data)
	}
	return err
}

func (r *rules) run(words []string, event []byte) error {
	ctx, cancel := context.WithTimeout(r.ctx, actionTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdin = bytes.NewReader(event)
	cmd.WaitDelay = time.Second // for children that keep its output open
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("sink: run %s: %w: %s", words[0], err, bytes.TrimSpace(out[max(0, len(out)-300):]))
	}
	return nil
}

func (r *rules) post(address string, event []byte) error {
	ctx, cancel := context.WithTimeout(r.ctx, actionTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(event))
	if err != nil {
		return fmt.Errorf("sink: post: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("sink: post: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("sink: post %s: the server answers %s", address, resp.Status)
	}
	return nil
}

// placeholders replaces what stands in braces in a rule's texts, its paths and its addresses.
type placeholders struct{ texts, paths, addresses *strings.Replacer }

func placeholdersOf(f *pipeline.Frame, d filters.Detection) placeholders {
	with := func(camera, name func(string) string, layout string) *strings.Replacer {
		return strings.NewReplacer(placeholder, camera(f.Camera), "{stage}", name(d.Stage), "{label}", name(d.Label),
			"{value}", name(d.Value), "{score}", strconv.FormatFloat(d.Score, 'g', 4, 64),
			"{seq}", strconv.FormatUint(f.Seq, 10), "{time}", timeOf(f).Format(layout))
	}
	asIs := func(text string) string { return text }
	return placeholders{
		texts:     with(asIs, asIs, time.RFC3339Nano),
		paths:     with(cameraName, fileName, "20060102-150405.000"),
		addresses: with(url.QueryEscape, url.QueryEscape, "20060102T150405Z0700"),
	}
}
