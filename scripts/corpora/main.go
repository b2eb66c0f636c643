// Command corpora decodes folders of JPEG files as picam does and as OpenCV does, and tells where the two do not agree.
//
//	go run ./scripts/corpora [-bound N] [-damage N] FOLDER...
//
// A file is a stream: frames are cut out of it by mjpeg.Scanner, as a receiver does, and each goes to OpenCV too,
// upright or not as it is stored. It ends with status 1 where pixels differ by more than the bound, or where only one
// shows a frame. Frames that are damaged for picam are told apart: OpenCV shows what there is of those.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gocv.io/x/gocv"

	"picam/mjpeg"
	"picam/mjpeg/codec"
)

func main() {
	bound := flag.Int("bound", 0, "the largest difference of two pixels that is no disagreement, 0 to 255")
	damage := flag.Int("damage", 0, "also damage each whole baseline frame so often, and count what goes unseen")
	limit := flag.Int("max-pixels", 64<<20, "larger frames are passed over")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "corpora: which folder? Type: make corpora DIR=folder")
		os.Exit(2)
	}
	d, err := codec.NewDecoder()
	if err != nil {
		fmt.Fprintln(os.Stderr, "corpora:", err)
		os.Exit(1)
	}
	c := &comparison{
		decoder: d, bound: *bound, damage: *damage, maxPixels: *limit, out: os.Stdout,
		mat: gocv.NewMat(), rng: rand.New(rand.NewPCG(1, 2)),
	}
	for _, folder := range flag.Args() {
		if err := c.folder(folder); err != nil {
			fmt.Fprintln(os.Stderr, "corpora:", err)
			os.Exit(1)
		}
	}
	c.summary()
	if c.disagreements() > 0 {
		os.Exit(1)
	}
}

// comparison is a run over folders.
type comparison struct {
	decoder   *codec.Decoder
	bound     int
	damage    int
	maxPixels int
	out       io.Writer
	mat       gocv.Mat // what OpenCV makes
	rng       *rand.Rand

	files, frames, equal, most         int // most: the largest difference
	differ, onlyPicam, onlyOpenCV      int // the disagreements
	neither, damaged, costly, tooLarge int
	turned, upright                    int // with an EXIF orientation; of these, the size is that of OpenCV
	harmed                             [len(lengths)]harm
}

// lengths are how many bytes of a frame are damaged.
var lengths = [...]int{1, 16, 64}

// harm counts damage of one length.
type harm struct{ tried, unseen, visible int } // visible: unseen, and more than 1 % of the pixels are others

func (c *comparison) disagreements() int {
	return c.differ + c.onlyPicam + c.onlyOpenCV + c.turned - c.upright
}

var extensions = []string{".jpg", ".jpeg", ".jpe", ".jfif", ".mjpg", ".mjpeg"}

// folder takes in all JPEG files of a folder and those in it.
func (c *comparison) folder(name string) error {
	return filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !slices.Contains(extensions, strings.ToLower(filepath.Ext(path))) {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c.files++
		return c.file(path, content)
	})
}

// file takes in the frames of a file.
func (c *comparison) file(path string, content []byte) error {
	s := mjpeg.NewScanner(bytes.NewReader(content))
	s.MaxFrame = max(len(content), mjpeg.DefaultMaxFrame)
	found := 0
	for s.Scan() {
		found++
		if err := c.frame(fmt.Sprintf("%s, frame %d", path, found), s.Frame()); err != nil {
			return err
		}
	}
	if found == 0 {
		c.frames++
		var causes []string
		for d, n := range s.Stats().Damaged {
			if n > 0 {
				causes = append(causes, mjpeg.Damage(d).String())
			}
		}
		cause := cmp.Or(strings.Join(causes, ", "), "no SOI")
		c.compare(path, nil, fmt.Errorf("no frame in it: %s; the decoder alone: %w", cause, c.alone(content)), content,
			codec.BGR, 1)
	}
	return nil
}

// alone decodes a file without cutting frames out of it; nil: well.
func (c *comparison) alone(content []byte) error {
	width, height, err := c.decoder.Size(content)
	if err != nil || width*height > c.maxPixels {
		return err
	}
	_, err = c.decode(content, mjpeg.Header{Width: width, Height: height}, codec.BGR, 1)
	return err
}

// say writes a line.
func (c *comparison) say(format string, a ...any) { fmt.Fprintf(c.out, format+"\n", a...) }

// frame decodes a frame in all ways.
func (c *comparison) frame(name string, jpeg []byte) error {
	c.frames++
	h, err := mjpeg.ParseHeader(jpeg)
	if err != nil {
		c.compare(name, nil, err, jpeg, codec.BGR, 1)
		return nil
	}
	if h.Width*h.Height > c.maxPixels {
		c.tooLarge++
		c.say("%s: %d×%d pixels: passed over", name, h.Width, h.Height)
		return nil
	}
	for _, format := range []codec.Format{codec.BGR, codec.Gray} {
		for _, scale := range []int{1, 2, 4, 8} {
			pixels, err := c.decode(jpeg, h, format, scale)
			if !c.compare(name, pixels, err, jpeg, format, scale) {
				return nil // told once
			}
		}
	}
	c.equal++
	if h.Orientation > 1 {
		c.turn(name, jpeg, h)
	}
	if c.damage > 0 && !h.Progressive && !h.Arithmetic {
		return c.damageFrame(jpeg, h)
	}
	return nil
}

// decode decodes a frame as picam does.
func (c *comparison) decode(jpeg []byte, h mjpeg.Header, format codec.Format, scale int) ([]byte, error) {
	width, height := codec.ScaledSize(h.Width, h.Height, scale)
	row := width
	if format == codec.BGR {
		row *= 3
	}
	pixels := make([]byte, row*height)
	return pixels, c.decoder.DecodeScaled(pixels, row, jpeg, format, scale)
}

// compare compares what picam makes of a frame, pixels or an error, with what OpenCV does. It counts and tells a
// difference, and reports whether there is none.
func (c *comparison) compare(name string, pixels []byte, err error, jpeg []byte, format codec.Format, scale int) bool {
	flags := map[codec.Format][]gocv.IMReadFlag{
		codec.BGR: {1: gocv.IMReadColor, 2: gocv.IMReadReducedColor2, 4: gocv.IMReadReducedColor4,
			8: gocv.IMReadReducedColor8},
		codec.Gray: {1: gocv.IMReadGrayScale, 2: gocv.IMReadReducedGrayscale2, 4: gocv.IMReadReducedGrayscale4,
			8: gocv.IMReadReducedGrayscale8},
	}
	shown := c.openCV(jpeg, flags[format][scale]|gocv.IMReadIgnoreOrientation)
	kind := map[codec.Format]string{codec.BGR: "colour", codec.Gray: "gray"}[format]
	switch {
	case errors.Is(err, codec.ErrDamaged):
		c.damaged++
		c.say("%s: damaged (OpenCV shows it: %v): %v", name, shown, err)
	case errors.Is(err, codec.ErrTooCostly):
		c.costly++
		c.say("%s: %v", name, err)
	case err != nil && !shown:
		c.neither++
		c.say("%s: nobody shows it: %v", name, err)
	case err != nil:
		c.onlyOpenCV++
		c.say("%s: ONLY OPENCV SHOWS IT, %d×%d: %v", name, c.mat.Cols(), c.mat.Rows(), err)
	case !shown:
		c.onlyPicam++
		c.say("%s: ONLY PICAM SHOWS IT, %s, 1:%d", name, kind, scale)
	default:
		want := c.mat.ToBytes()
		if len(want) != len(pixels) {
			c.differ++
			c.say("%s: OTHER SIZE: OpenCV's is %d×%d, %s, 1:%d", name, c.mat.Cols(), c.mat.Rows(), kind, scale)
			return false
		}
		most := 0
		for i, p := range pixels {
			most = max(most, int(p)-int(want[i]), int(want[i])-int(p))
		}
		c.most = max(c.most, most)
		if most <= c.bound {
			return true
		}
		c.differ++
		c.say("%s: PIXELS DIFFER BY UP TO %d, %s, 1:%d", name, most, kind, scale)
	}
	return false
}

// openCV decodes a frame into c.mat and reports whether there is something in it.
func (c *comparison) openCV(jpeg []byte, flags gocv.IMReadFlag) bool {
	c.mat.Close()
	c.mat = gocv.NewMat() // else what was in it stays where nothing can be decoded
	return gocv.IMDecodeIntoMat(jpeg, flags, &c.mat) == nil && !c.mat.Empty()
}

// turn compares how a frame is turned by its EXIF orientation, by the size that it has then.
func (c *comparison) turn(name string, jpeg []byte, h mjpeg.Header) {
	c.turned++
	width, height := h.Width, h.Height
	if h.Orientation >= 5 {
		width, height = height, width
	}
	if c.openCV(jpeg, gocv.IMReadColor) && c.mat.Cols() == width && c.mat.Rows() == height {
		c.upright++
		return
	}
	c.say("%s: TURNED OTHERWISE: orientation %d, OpenCV's is %d×%d", name, h.Orientation, c.mat.Cols(), c.mat.Rows())
}

// damageFrame overwrites some bytes of a frame's scan and looks whether that is seen. The first segments and the
// last bytes stay, and no byte becomes a marker's, which would be seen at once.
func (c *comparison) damageFrame(jpeg []byte, h mjpeg.Header) error {
	scan := bytes.Index(jpeg, []byte("\xFF\xDA")) + 14
	const margin = 80
	if len(jpeg)-scan < 4*margin {
		return nil
	}
	want, err := c.decode(jpeg, h, codec.BGR, 1)
	if err != nil {
		return err
	}
	for i := range c.damage {
		bad := slices.Clone(jpeg)
		at := scan + c.rng.IntN(len(bad)-scan-margin)
		harm := &c.harmed[i%len(lengths)]
		for j := range lengths[i%len(lengths)] {
			bad[at+j] = byte(c.rng.UintN(255))
		}
		if bytes.Equal(bad, jpeg) {
			continue
		}
		harm.tried++
		got, err := c.decode(bad, h, codec.BGR, 1)
		if err != nil {
			continue
		}
		harm.unseen++
		others := 0
		for j := 0; j+2 < len(got); j += 3 {
			if !bytes.Equal(got[j:j+3], want[j:j+3]) {
				others++
			}
		}
		if others*100 > h.Width*h.Height {
			harm.visible++
		}
	}
	return nil
}

func (c *comparison) summary() {
	c.say("%d files, %d frames: %d equal in colour and gray at all scales (largest difference %d)", c.files, c.frames,
		c.equal, c.most)
	c.say("disagreements: %d with other pixels, %d that only picam shows, %d that only OpenCV shows, "+
		"%d of %d turned otherwise", c.differ, c.onlyPicam, c.onlyOpenCV, c.turned-c.upright, c.turned)
	c.say("apart: %d damaged, %d too costly, %d too large, %d that nobody shows", c.damaged, c.costly, c.tooLarge,
		c.neither)
	for i, h := range c.harmed {
		if h.tried > 0 {
			c.say("damage of %2d bytes, %d times: unseen in %.1f %%, and in %.1f %% more than 1 %% of the pixels are others",
				lengths[i], h.tried, 100*float64(h.unseen)/float64(h.tried), 100*float64(h.visible)/float64(h.tried))
		}
	}
}
