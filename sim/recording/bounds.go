package recording

import (
	"fmt"
	"io"
	"io/fs"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// checkRegular refuses what is no file with an end: recordings are read twice, and
// what never ends would be read for ever.
func checkRegular(path string, mode fs.FileMode) error {
	switch {
	case mode.IsRegular(), mode.IsDir():
		return nil
	case mode&fs.ModeNamedPipe != 0:
		return fmt.Errorf("%s: a pipe, but a recording is read more than once; save it to a file first", path)
	}
	return fmt.Errorf("%s: not a regular file; give a file or a directory", path)
}

// An unpacked reader bounds what comes out of a gzipped file.
type unpacked struct {
	from io.Reader
	// left is the number of bytes that may still come; most and size are said in the error.
	left, most, size int64
}

func newUnpacked(from io.Reader, size int64) *unpacked {
	most := max(limit.Unpacked, limit.UnpackedRatio*size)
	return &unpacked{from: from, left: most, most: most, size: size}
}

// Read implements io.Reader.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	if u.left -= int64(n); u.left < 0 {
		return 0, fmt.Errorf("the gzip data unpacks to more than %d MiB, the limit for a file of %d KiB (%d MiB, or %d times its size); unpack it yourself, or make a TSDB block of it",
			u.most>>20, u.size>>10, limit.Unpacked>>20, limit.UnpackedRatio)
	}
	return n, err
}

// A stringBound passes JSON on as long as no string, number or word of it is
// longer than limit.Line: a decoder keeps the whole of one in memory.
type stringBound struct {
	from            io.Reader
	length          int
	inside, escaped bool
}

// Read implements io.Reader.
func (b *stringBound) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	for _, c := range p[:n] {
		switch {
		case b.escaped:
			b.escaped = false
		case b.inside && c == '\\':
			b.escaped = true
		case c == '"':
			b.inside, b.length = !b.inside, 0
		case !b.inside && (c == ',' || c == ':' || c == ' ' || c == '\n' || c == '[' || c == ']' || c == '{' || c == '}'):
			b.length = 0
		}
		if b.length++; b.length > limit.Line {
			return 0, fmt.Errorf("a string or number is longer than %d MiB", limit.Line>>20)
		}
	}
	return n, err
}

// A tooMuch is the error of samples that take more memory than limit.Converted
// before they are a block.
type tooMuch struct {
	series, samples int64
}

func (e *tooMuch) Error() string {
	return fmt.Sprintf("%d series and %d samples so far take more than %d MiB of memory to convert; make a TSDB block of it (promtool tsdb create-blocks-from openmetrics FILE DIRECTORY) and give its directory, or leave series out",
		e.series, e.samples, limit.Converted>>20)
}
