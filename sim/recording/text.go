package recording

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A textFile is a file's text, decompressed if it is gzipped.
type textFile struct {
	io.Reader
	file *os.File
	gzip bool
}

// Close closes the file.
func (f *textFile) Close() error { return f.file.Close() }

// openText opens a file and looks at its first bytes to see whether it is
// gzipped: names are often wrong about that.
func openText(path string) (*textFile, error) {
	// To open a pipe would wait for its other end.
	if info, err := os.Stat(path); err == nil && checkRegular(path, info.Mode()) != nil {
		return nil, checkRegular(path, info.Mode())
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	info, err := file.Stat()
	if err == nil {
		err = checkRegular(path, info.Mode())
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	buffered := bufio.NewReaderSize(file, 1<<16)
	magic, err := buffered.Peek(2)
	if err != nil && err != io.EOF {
		file.Close()
		return nil, readError(path, err)
	}
	if len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return &textFile{Reader: buffered, file: file}, nil
	}
	unzip, err := gzip.NewReader(buffered)
	if err != nil {
		file.Close()
		return nil, readError(path, err)
	}
	return &textFile{Reader: newUnpacked(unzip, info.Size()), file: file, gzip: true}, nil
}

func errEmpty(path string) error {
	return fmt.Errorf("%s: the file is empty", path)
}

// pathError says what is wrong with a path without repeating it.
func pathError(path string, err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return fmt.Errorf("%s: %w", path, pathErr.Err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// readError names the cure for the ways in which reading compressed text fails.
func readError(path string, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the gzip data ends too early (%w); the file is truncated, copy it again", path, err)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return fmt.Errorf("%s: the gzip data is damaged (%w); copy the file again", path, err)
	}
	return pathError(path, err)
}
