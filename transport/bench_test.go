package transport

import (
	"context"
	"io"
	"net"
	"testing"

	"picam/mjpeg"
)

// repeat is a Source that gives the same frame n times.
type repeat struct {
	jpeg []byte
	n    int
}

func (r *repeat) Next() (mjpeg.Frame, error) {
	if r.n == 0 {
		return mjpeg.Frame{}, io.EOF
	}
	r.n--
	return mjpeg.Frame{JPEG: r.jpeg}, nil
}

// BenchmarkLink sends frames of 100 KB from a Sender to a Stream over the loopback, stamps and acks included; "copy"
// carries the same bytes by io.Copy from one socket to another, for comparison.
func BenchmarkLink(b *testing.B) {
	jpeg := jpegOf(100e3)
	b.Run("picam", func(b *testing.B) {
		l := listen(b)
		done := make(chan int, 100)
		stop := start(b, func(ctx context.Context) error {
			return Serve(ctx, l, Limits{}, nil, func(_ context.Context, s *Stream) error {
				n := 0
				for {
					if _, err := s.Next(); err != nil {
						done <- n
						return err
					}
					n++
				}
			})
		})
		b.SetBytes(int64(len(jpeg)))
		b.ReportAllocs()
		before := cpuTime()
		b.ResetTimer()
		s := &Sender{Addr: l.Addr().String(), Camera: "bench", KeepAll: true}
		if err := s.Run(context.Background(), &repeat{jpeg, b.N}); err != nil {
			b.Fatal(err)
		}
		if n := <-done; n != b.N {
			b.Fatalf("%d frames of %d arrived", n, b.N)
		}
		b.StopTimer()
		b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
		stop()
	})
	b.Run("copy", func(b *testing.B) {
		l := listen(b)
		done := make(chan int64)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				b.Error(err)
			}
			defer conn.Close()
			n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{conn}, make([]byte, 64<<10))
			done <- n
		}()
		b.SetBytes(int64(len(jpeg)))
		b.ReportAllocs()
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		before := cpuTime()
		b.ResetTimer()
		for range b.N {
			if _, err := conn.Write(jpeg); err != nil {
				b.Fatal(err)
			}
		}
		conn.Close()
		if n := <-done; n != int64(b.N*len(jpeg)) {
			b.Fatalf("%d bytes arrived", n)
		}
		b.StopTimer()
		b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
	})
}
