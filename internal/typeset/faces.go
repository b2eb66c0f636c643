package typeset

import (
	"bytes"
	"cmp"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-text/typesetting/font"
	"golang.org/x/image/font/gofont/goregular"
)

// What is known of Go Regular, as parts of an em.
const (
	capHeight = 0.7227 // of its capitals
	stroke    = 0.1    // the thickness of its strokes
)

// builtIn is the font that is part of the program.
var builtIn = sync.OnceValue(func() *font.Font {
	face, err := font.ParseTTF(bytes.NewReader(goregular.TTF))
	if err != nil {
		panic("typeset: the font of the program: " + err.Error()) // held by a test
	}
	return face.Font
})

// library holds the computer's fonts, which are opened one by one until a character is found. All Writers share it.
type library struct {
	mu    sync.Mutex
	files []string // still to be opened
	found bool     // files has been made
	fonts []*font.Font
}

var computer library

// find returns the first of the computer's fonts that has a character, or nil.
func (l *library) find(r rune) *font.Font {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.fonts {
		if _, ok := f.NominalGlyph(r); ok {
			return f
		}
	}
	if !l.found {
		l.files, l.found = fontFiles(fontFolders()), true
	}
	for len(l.files) > 0 {
		f := openFont(l.files[0])
		l.files = l.files[1:]
		if f == nil {
			continue
		}
		l.fonts = append(l.fonts, f)
		if _, ok := f.NominalGlyph(r); ok {
			return f
		}
	}
	return nil
}

// openFont reads a font, or the first of a collection; nil if it is none.
func openFont(name string) *font.Font {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	faces, err := font.ParseTTC(f)
	if err != nil || len(faces) == 0 {
		return nil
	}
	return faces[0].Font
}

// fontFolders is where fonts are.
func fontFolders() []string {
	data := os.Getenv("XDG_DATA_HOME")
	if data == "" {
		data = filepath.Join(os.Getenv("HOME"), ".local", "share")
	}
	return []string{filepath.Join(data, "fonts"), "/usr/local/share/fonts", "/usr/share/fonts", "/Library/Fonts"}
}

// known are the fonts that are taken, the first ones first: each has many scripts, or one that few have. Any font would
// do, but to look for a character in all those of a computer would hold up its camera.
var known = []string{
	"DejaVuSans.ttf",          // Arabic, Hebrew, Armenian, Georgian …; Debian has it with OpenCV's windows
	"DroidSansFallback*.ttf",  // Chinese, Japanese, Korean in 4 MB
	"NotoSansCJK-Regular.ttc", // the same, and much larger
	"wqy-*.ttc", "ipag.ttf", "NanumGothic.ttf",
	"NotoSans*-Regular.ttf", // one for each script
	"FreeSans.ttf", "FreeSans.otf", "unifont.ttf", "unifont.otf", "Arial Unicode.ttf",
}

// fontFiles lists the known fonts in some folders and below.
func fontFiles(folders []string) []string {
	type file struct {
		rank int
		path string
	}
	var files []file
	for _, folder := range folders {
		_ = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return fs.SkipDir // a folder that cannot be read has no fonts for us
			}
			rank := slices.IndexFunc(known, func(pattern string) bool {
				ok, _ := path.Match(strings.ToLower(pattern), strings.ToLower(d.Name()))
				return ok
			})
			if rank >= 0 && !d.IsDir() {
				files = append(files, file{rank, name})
			}
			return nil
		})
	}
	slices.SortStableFunc(files, func(a, b file) int { return cmp.Compare(a.rank, b.rank) })
	var paths []string
	for _, f := range files {
		paths = append(paths, f.path)
	}
	return paths
}

// faces are a Writer's own: a font may be shared, a face may not.
type faces struct {
	first *font.Face
	of    map[*font.Font]*font.Face
	known map[rune]*font.Face // of characters that first has not
}

func newFaces() faces {
	return faces{font.NewFace(builtIn()), map[*font.Font]*font.Face{}, map[rune]*font.Face{}}
}

// scale is how many pixels an em has where capitals have height.
func (f *faces) scale(height float64) float64 { return height / capHeight }

// ResolveFace makes faces a shaping.Fontmap.
func (f *faces) ResolveFace(r rune) *font.Face {
	if _, ok := f.first.NominalGlyph(r); ok {
		return f.first
	}
	if face, ok := f.known[r]; ok {
		return face
	}
	face := f.first // whose box stands for what nobody has
	if found := computer.find(r); found != nil {
		if face = f.of[found]; face == nil {
			face = font.NewFace(found)
			f.of[found] = face
		}
	}
	const most = 1 << 14 // characters remembered
	if len(f.known) >= most {
		clear(f.known)
	}
	f.known[r] = face
	return face
}
