package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// An output is a directory that appears complete or not at all: it is written
// beside its final place and renamed.
type output struct {
	final, temporary string
}

// markerFile marks a directory as an earlier output of this program, which may
// be replaced.
const markerFile = "report.json"

// newOutput prepares to write dir. It refuses to replace anything but an empty
// directory or an earlier output.
func newOutput(dir string) (*output, error) {
	if dir == "" {
		return nil, errors.New("--out is required: the directory that the reports are written to")
	}
	final, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := replaceable(dir); err != nil {
		return nil, err
	}
	parent := filepath.Dir(final)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("--out %s: %w", dir, reason(err))
	}
	temporary, err := os.MkdirTemp(parent, "."+filepath.Base(final)+"-")
	if err != nil {
		return nil, fmt.Errorf("--out %s: %w", dir, reason(err))
	}
	if err := os.Chmod(temporary, 0o755); err != nil {
		return nil, err
	}
	return &output{final: final, temporary: temporary}, nil
}

func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("--out %s: %w", dir, reason(err))
	case len(entries) == 0:
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, markerFile)); err != nil {
		return fmt.Errorf("--out %s: the directory has other files in it; name a new one, or empty it", dir)
	}
	return nil
}

// reason is an operating system's error without the path that the caller names.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// commit puts the directory into its place; an earlier output is replaced.
func (o *output) commit() error {
	old := o.temporary + ".old"
	err := os.Rename(o.final, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(o.temporary, o.final); err != nil {
		return errors.Join(err, os.Rename(old, o.final))
	}
	return os.RemoveAll(old)
}

// discard removes what was not committed.
func (o *output) discard() { os.RemoveAll(o.temporary) }
