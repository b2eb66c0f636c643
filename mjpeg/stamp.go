package mjpeg

import "time"

// Stamp is what `picam send` writes into each picture, as an APP7 segment right after SOI: the text "picam\0" and
// "1 cam=<name> id=<sender> seq=<n> t=<ns> off=<ns>" in printable ASCII. Every JPEG reader skips it.
type Stamp struct {
	Camera string    // the camera's name; spaces, % and what is not printable ASCII travel percent-encoded
	Sender string    // random, new for every run of a sender: tells its reconnection from a second camera of one name
	Seq    uint64    // from 1
	Time   time.Time // when the picture was taken, by the sender's clock
	// Offset is the receiver's clock minus the sender's, as the sender estimated it from acks; valid if Synced.
	Offset time.Duration
	Synced bool
}

// AppendTo appends SOI and the stamp's segment: the bytes that take the place of a picture's first two.
func (s *Stamp) AppendTo(dst []byte) []byte { panic("todo") }

// Parse reads the stamp of a picture into s and returns the length of SOI and segment together; 0 if there is none.
// It allocates only where a string of s changes. Unknown keys are skipped, so that later senders can add some.
func (s *Stamp) Parse(frame []byte) int { panic("todo") }

// Unstamp takes the first n bytes (as returned by Parse) off a picture and puts SOI back, in place.
func Unstamp(frame []byte, n int) []byte { panic("todo") }
