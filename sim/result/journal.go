package result

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// Lines returns a function that yields the lines of a journal in order, for
// Column.Journal. Each call opens it anew; name is the journal's in errors.
func Lines(name string, open func() (io.ReadCloser, error)) func(yield func(*journal.Line) error) error {
	return func(yield func(*journal.Line) error) error {
		file, err := open()
		if err != nil {
			return err
		}
		defer file.Close()
		lines := journal.NewReader(file, name)
		for {
			line, err := lines.Next()
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			if err := yield(line); err != nil {
				return err
			}
		}
	}
}

// File returns a function that yields the lines of a journal file, for
// Column.Journal.
func File(name string) func(yield func(*journal.Line) error) error {
	return Lines(name, func() (io.ReadCloser, error) {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		return Unzip(file)
	})
}

// Unzip returns a reader of a journal that may be gzipped, which its first bytes
// tell, whatever its name says. Closing it closes the file; so does an error.
func Unzip(file io.ReadCloser) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(file, 1<<16)
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, file.Close())
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return &reader{buffered, file}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &reader{unzipped, file}, nil
}

// A reader reads a file through another reader.
type reader struct {
	io.Reader
	io.Closer
}
