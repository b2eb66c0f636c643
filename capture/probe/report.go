package probe

import (
	"fmt"
	"slices"
	"strings"
)

// Report is what has been found out about a source. Times are in milliseconds, lengths in bytes, as their names in JSON
// say.
type Report struct {
	Source  string  `json:"source"`  // without what is secret in it
	Seconds float64 `json:"seconds"` // 0 where time says nothing
	Bytes   Bytes   `json:"bytes"`
	// Frames is the number of whole ones.
	Frames int64 `json:"frames"`
	// Size is the length of a frame in bytes; nil without frames.
	Size   *Spread `json:"frame_bytes,omitempty"`
	Damage Damage  `json:"damage"`
	Kinds  []Kind  `json:"kinds"` // of frames, in the order in which they came first; 16 at most
	// Quality is that of the IJG's tables; nil where no frame has such tables, or near ones.
	Quality *Quality `json:"quality,omitempty"`
	Markers []Marker `json:"markers"` // in the order in which they came first
	Rate    *Rate    `json:"rate,omitempty"`
	Padding *Padding `json:"padding,omitempty"` // behind frames
	Junk    *Junk    `json:"junk,omitempty"`    // inside of frames
	// MultiFrame is how many frames the index of a multi-frame photo (MPF), which the first frame has, names; 0: it has
	// none.
	MultiFrame int     `json:"multi_frame,omitempty"`
	Stamp      *Stamp  `json:"stamp,omitempty"`
	Trouble    string  `json:"trouble,omitempty"` // what a picam send told last, where no frame came since
	HTTP       *HTTP   `json:"http,omitempty"`
	Parts      *Parts  `json:"multipart,omitempty"`
	Camera     *Camera `json:"v4l2,omitempty"`
	Found      string  `json:"found,omitempty"`  // what it is instead of MJPEG, or around it
	Advice     string  `json:"advice,omitempty"` // what to do about Found
	// Refused: picam does not take this answer of an HTTP server, for what Error or Found says.
	Refused  bool     `json:"refused,omitempty"`
	Error    string   `json:"error,omitempty"`    // why reading ended, if not because of the time
	Issues   []Issue  `json:"issues"`             // what may be too much for some programs
	Commands []string `json:"commands,omitempty"` // lines of picam that take it
}

// Bytes is where the bytes belong. All = the sum of the others.
type Bytes struct {
	All            int64 `json:"all"`
	Frames         int64 `json:"frames"`
	StatusMessages int64 `json:"status_messages"` // of a picam send that has no frames
	Multipart      int64 `json:"multipart"`       // boundaries, headers, and the line ends around them
	Padding        int64 `json:"padding"`         // behind a frame
	Damaged        int64 `json:"damaged"`         // from the beginning of a frame that is not whole to the next one
	// Unfinished are those of the frame that was under way when the time was over.
	Unfinished int64 `json:"unfinished"`
	Other      int64 `json:"other"` // before the first frame, or between a boundary and its frame
}

// Spread is the range of some numbers.
type Spread struct {
	Min  int64   `json:"min"`
	Mean float64 `json:"mean"`
	Max  int64   `json:"max"`
	n    int64
}

func (s *Spread) add(v int64) {
	if s.n == 0 || v < s.Min {
		s.Min = v
	}
	s.Max = max(s.Max, v)
	s.Mean += (float64(v) - s.Mean) / float64(s.n+1)
	s.n++
}

// Damage counts frames that are not as they should be.
type Damage struct {
	Torn      int64 `json:"torn"`      // the next frame began before the end
	Malformed int64 `json:"malformed"` // an impossible length or marker
	TooLong   int64 `json:"too_long"`  // over the limit
	Cut       int64 `json:"cut"`       // the connection, the file, the buffer ended in the middle
	// Of the whole frames:
	Restarts int64    `json:"missing_restarts"` // frames with fewer restart markers than their size asks for
	Checked  int64    `json:"decoded"`          // frames that were decoded, some of all
	Broken   int64    `json:"decoded_in_vain"`  // of these
	Causes   []string `json:"causes,omitempty"` // of the latter
	Share    float64  `json:"share_of_frames"`  // not whole, of all that began; of V4L2, of all buffers
}

// Kind is one way in which frames are coded.
type Kind struct {
	Frames      int64  `json:"frames"`
	Width       int    `json:"width"`
	Height      int    `json:"height"` // 0: it follows behind the first scan (DNL)
	Components  int    `json:"components"`
	Subsampling string `json:"subsampling,omitempty"` // such as "4:2:0"
	Coding      string `json:"coding"`                // such as "baseline", "progressive", "extended, arithmetic"
	Bits        int    `json:"bits"`                  // for each sample
	Restart     int    `json:"restart_interval"`      // in MCUs, 0: none
	Orientation int    `json:"orientation,omitempty"` // EXIF
	Thumbnail   bool   `json:"thumbnail,omitempty"`
	OddScan     bool   `json:"odd_scan_header,omitempty"` // see mjpeg.Header
	NoTables    bool   `json:"no_huffman_tables,omitempty"`
	Fault       string `json:"fault,omitempty"` // why the header cannot be read
}

// Quality is a range of qualities as the IJG's programs count them, 1 to 100.
type Quality struct {
	Min   int  `json:"min"`
	Max   int  `json:"max"`
	Exact bool `json:"exact"` // the tables are those of the IJG; else the nearest of them
}

// Marker is a kind of segment, or another marker, in frames.
type Marker struct {
	Name   string `json:"name"`   // such as "SOF0", "APP0 JFIF", "COM"
	Frames int64  `json:"frames"` // that have it
	Text   string `json:"text,omitempty"`
}

// Rate is about times between frames.
type Rate struct {
	FPS           float64 `json:"frames_per_second"`
	MbitPerSecond float64 `json:"mbit_per_second"`
	Mean          float64 `json:"interval_mean_ms"`
	Jitter        float64 `json:"interval_deviation_ms"` // standard deviation
	P95           float64 `json:"interval_p95_ms"`
	Max           float64 `json:"interval_max_ms"`
	Bursts        int64   `json:"bursts"` // intervals below a tenth of the median
	Gaps          int64   `json:"gaps"`   // intervals above three times the median
	Clock         string  `json:"clock"`  // "arrival", or "driver"
}

// Padding is what stands behind frames.
type Padding struct {
	Frames int64  `json:"frames"`
	Size   Spread `json:"bytes"`
	Kind   string `json:"kind"` // such as "zero bytes", "a second EOI", "line ends", "other bytes"
}

// Junk is bytes between the segments of frames that belong to none.
type Junk struct {
	Frames  int64    `json:"frames"`  // that have some
	Size    Spread   `json:"bytes"`   // in each of these
	Between []string `json:"between"` // which segments, such as "APP0 JFIF and DQT", first in a frame; 4 at most
	InGo    bool     `json:"refused_by_go"`
}

func (r *Report) addJunk(n int, between string) {
	if r.Junk == nil {
		r.Junk = &Junk{}
	}
	j := r.Junk
	j.Frames++
	j.Size.add(int64(n))
	if most := 4; len(j.Between) < most && !slices.Contains(j.Between, between) {
		j.Between = append(j.Between, between)
	}
}

// where is "16 bytes between APP0 JFIF and DQT".
func (j *Junk) where() string {
	return fmt.Sprintf("%s bytes between %s", j.Size.text(), strings.Join(j.Between, ", or "))
}

// Stamp is what picam send writes into frames.
type Stamp struct {
	Camera string  `json:"camera"`
	Frames int64   `json:"frames"` // that have one
	Lost   uint64  `json:"lost"`   // by their numbers
	Age    *Spread `json:"age_ms,omitempty"`
	Synced bool    `json:"clocks_compared"` // else Age is wrong by as much as the clocks differ
}

// HTTP is a server's answer.
type HTTP struct {
	Protocol    string `json:"protocol"`
	Status      string `json:"status"`
	ContentType string `json:"content_type"`
	Server      string `json:"server,omitempty"`
	Chunked     bool   `json:"chunked"`
	Close       bool   `json:"close"`                   // the connection is not kept for another answer
	Length      int64  `json:"content_length"`          // -1: not told
	Redirects   int    `json:"redirects"`               // that led here
	At          string `json:"redirected_to,omitempty"` // without query
	Answers     int64  `json:"answers"`                 // that were asked for
	Single      bool   `json:"one_frame_an_answer"`
	Ended       bool   `json:"ended"` // the server ended the (last) answer
}

// Parts is how frames stand in a multipart stream.
type Parts struct {
	Declared string         `json:"boundary_declared"` // as in Content-Type
	Quoted   bool           `json:"boundary_quoted"`
	Sent     []string       `json:"boundaries_sent"` // as they stand in their lines, dashes included; 4 at most
	Headers  []string       `json:"headers"`         // their names as they are spelled; 16 at most
	Time     string         `json:"timestamp,omitempty"`
	Maker    string         `json:"maker,omitempty"` // who uses such a boundary
	Lengths  map[string]int `json:"content_lengths"` // how many are "right", "short", "missing" …: see judgeLength

	first, noFirst     bool // the first frame was looked at; it has no boundary before it
	boundaries         int64
	noLineEnd, feeds   int64
	extraLines, noType int64
	fused              int64 // no line end behind the boundary
	blocks             int64 // of WebcamXP
}

// Camera is a V4L2 camera.
type Camera struct {
	Name     string  `json:"name"`
	Format   string  `json:"format"` // as the driver names it
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	FPS      float64 `json:"frames_per_second"` // as it is set; 0: not known
	Buffers  int64   `json:"buffers"`
	Flagged  int64   `json:"flagged_as_damaged"`
	Empty    int64   `json:"empty"`
	Lost     int64   `json:"lost"`     // by the driver's numbers
	NotJPEG  int64   `json:"not_jpeg"` // buffers without the beginning of a frame
	Broken   int64   `json:"half_or_broken"`
	Encoding bool    `json:"encoded_by_picam"` // it gives no JPEG
}

// Issue is something that other programs may not be able to take.
type Issue struct {
	Name     string     `json:"name"`
	Text     string     `json:"text"`
	Affected []Affected `json:"programs,omitempty"`
}

// Affected is a program and what becomes of it.
type Affected struct {
	Program string `json:"program"`
	Effect  string `json:"effect"`
}
