package probe

import (
	"bytes"
	"errors"
	"image/jpeg"
	"slices"
	"strings"

	"picam/mjpeg"
)

// decode decodes the sample, and counts what cannot be decoded.
func (p *Probe) decode() {
	d := &p.report.Damage
	for _, frame := range p.sample {
		h, err := mjpeg.ParseHeader(frame)
		if err != nil || h.Arithmetic || h.Width*h.Height > maxPixels {
			continue // image/jpeg has no opinion
		}
		_, err = jpeg.Decode(bytes.NewReader(mjpeg.AddHuffmanTables(nil, frame)))
		if err != nil && h.Junk > 0 {
			_, err = jpeg.Decode(bytes.NewReader(mjpeg.AddHuffmanTables(nil, mjpeg.AppendWithoutJunk(nil, frame))))
			p.report.Junk.InGo = p.report.Junk.InGo || err == nil
		}
		var unsupported jpeg.UnsupportedError
		if errors.As(err, &unsupported) {
			continue
		}
		d.Checked++
		if err == nil {
			continue
		}
		d.Broken++
		cause := strings.TrimPrefix(err.Error(), "invalid JPEG format: ")
		if !slices.Contains(d.Causes, cause) {
			d.Causes = append(d.Causes, cause)
		}
	}
	p.sample = nil
}
