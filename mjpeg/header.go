package mjpeg

// Header is what the segments before a picture's first scan say, read without decoding.
type Header struct {
	Width, Height   int    // in pixels
	Components      int    // 1 gray, 3 colour, 4 CMYK
	Subsampling     string // J:a:b notation, such as "4:2:0"; "" for gray and for what has no such name
	Progressive     bool
	Arithmetic      bool
	RestartInterval int  // in MCUs; 0 means none
	HasDHT          bool // false: a UVC or AVI1 frame that relies on the standard tables
}

// ParseHeader reads the header of a JPEG picture. The error names what was found and where.
func ParseHeader(frame []byte) (Header, error) { panic("todo") }

// AddHuffmanTables appends frame to dst, with the four standard Huffman tables (ITU T.81, K.3) before its first scan
// if it has none of its own.
func AddHuffmanTables(dst, frame []byte) []byte { panic("todo") }
