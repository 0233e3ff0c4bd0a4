package sim

import (
	"bytes"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
)

// zipBlock is how many bytes are compressed together: enough that little is lost by
// beginning anew.
const zipBlock = 1 << 20

// A zipper gzips what is written to it, block by block on all cores, as members of one
// file, which readers of gzip take for one. The bytes do not depend on the cores, nor on
// how much is written at once.
type zipper struct {
	level  int
	block  []byte
	begun  bool
	zipped chan chan []byte
	done   chan error
}

func newZipper(w io.Writer, level int) *zipper {
	z := &zipper{level: level, block: make([]byte, 0, zipBlock), zipped: make(chan chan []byte, runtime.GOMAXPROCS(0)), done: make(chan error, 1)}
	go func() {
		var failed error
		for block := range z.zipped {
			if bytes := <-block; failed == nil {
				_, failed = w.Write(bytes)
			}
		}
		z.done <- failed
	}()
	return z
}

// Write implements io.Writer. What cannot be written Close says.
func (z *zipper) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		n := min(len(p), zipBlock-len(z.block))
		z.block, p = append(z.block, p[:n]...), p[n:]
		if len(z.block) == zipBlock {
			z.next()
		}
	}
	return written, nil
}

// next has the block compressed and begins another.
func (z *zipper) next() {
	block, zipped := z.block, make(chan []byte, 1)
	z.block, z.begun = make([]byte, 0, zipBlock), true
	z.zipped <- zipped
	go func() {
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, z.level) // a level that there is
		w.Write(block)                             // into memory: neither can fail
		w.Close()
		zipped <- out.Bytes()
	}()
}

// Close writes what is left and waits for it. It does not close the writer.
func (z *zipper) Close() error {
	if len(z.block) > 0 || !z.begun {
		z.next()
	}
	close(z.zipped)
	return <-z.done
}
