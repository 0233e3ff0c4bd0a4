package output

import (
	"os"
	"path/filepath"
)

// An Input is a file or directory that a call reads, and what it is to the user.
type Input struct {
	Name, Path string
}

// Inside returns the first of the inputs that lies in a directory or is it, through
// links as well; nil for none.
func Inside(dir string, inputs ...Input) (*Input, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, nil // nothing lies in a directory that is not there
	}
	for i := range inputs {
		inside, err := within(info, inputs[i].Path)
		if err != nil {
			return nil, err
		}
		if inside {
			return &inputs[i], nil
		}
	}
	return nil, nil
}

// within says whether a path or what it leads to lies in a directory or is it.
func within(dir os.FileInfo, name string) (bool, error) {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return false, err
	}
	paths := []string{absolute}
	if resolved, err := filepath.EvalSymlinks(absolute); err == nil {
		paths = append(paths, resolved)
	}
	for _, p := range paths {
		for {
			if info, err := os.Stat(p); err == nil && os.SameFile(info, dir) {
				return true, nil
			}
			if p == filepath.Dir(p) {
				break
			}
			p = filepath.Dir(p)
		}
	}
	return false, nil
}
