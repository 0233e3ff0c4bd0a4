package result

import (
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
	return Lines(name, func() (io.ReadCloser, error) { return os.Open(name) })
}
