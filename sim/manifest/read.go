package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/sim/output"
)

// stdinName stands for standard input in positions.
const stdinName = "<stdin>"

// Read returns the documents of files, of directories (every *.yaml, *.yml and
// *.json below, hidden ones aside, in the order of their paths) and, for "-",
// of stdin. A file reached twice is read once. On an error it also returns
// the documents that could be read.
func Read(paths []string, stdin io.Reader) ([]*Document, error) {
	var docs []*Document
	var errs []error
	seen := map[string]bool{}
	for _, path := range paths {
		files, err := list(path)
		errs = append(errs, err)
		for _, f := range files {
			if seen[f] {
				continue
			}
			seen[f] = true
			fileDocs, err := readFile(f, stdin)
			for _, d := range fileDocs {
				d.explicit = len(files) == 1 && f == clean(path)
			}
			docs, errs = append(docs, fileDocs...), append(errs, err)
		}
	}
	return docs, Join(errs...)
}

func clean(path string) string {
	if path == "-" {
		return path
	}
	return filepath.Clean(path)
}

// list is the files that a path stands for.
func list(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	if path == "" {
		return nil, &Error{Message: `the path of a manifest is empty; want a file, a directory or "-"`}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	if err := output.Readable(path); err != nil {
		return nil, &Error{Message: err.Error()}
	}
	if !info.IsDir() {
		return []string{filepath.Clean(path)}, nil
	}
	return Files(path)
}

// Files lists the manifests of a directory: every *.yaml, *.yml and *.json
// below it, sorted, without hidden files and directories, and without what the
// program itself wrote to directories below. None is an error.
func Files(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := path != dir && strings.HasPrefix(entry.Name(), ".")
		switch {
		case hidden && entry.IsDir(), path != dir && entry.IsDir() && output.Marked(path):
			return filepath.SkipDir
		case path == filepath.Join(dir, output.Marker):
			return nil
		case hidden, entry.IsDir():
			return nil
		}
		if slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path))) {
			files = append(files, filepath.Clean(path))
		}
		return nil
	})
	if err != nil {
		return nil, fileError(dir, err)
	}
	if len(files) == 0 {
		return nil, fileError(dir, errors.New("the directory holds no *.yaml, *.yml or *.json"))
	}
	slices.Sort(files)
	return files, nil
}

func readFile(path string, stdin io.Reader) ([]*Document, error) {
	name, in := path, stdin
	if path == "-" {
		name = stdinName
		if stdin == nil {
			return nil, fileError(name, errors.New("there is no standard input here; name a file"))
		}
	} else {
		f, err := os.Open(path)
		if err != nil {
			return nil, fileError(path, err)
		}
		defer f.Close()
		in = f
	}
	data, err := ReadText(in, name)
	if err != nil {
		return nil, err
	}
	return Parse(name, data)
}

// ReadText reads a manifest's text, which errors call name: a recording passed by
// mistake, or what never ends, must not fill the memory.
func ReadText(in io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, limit.Manifest+1))
	if err != nil {
		return nil, fileError(name, err)
	}
	if len(data) > limit.Manifest {
		return nil, fileError(name, fmt.Errorf("larger than %d MiB, too large for manifests; is it a recording?", limit.Manifest>>20))
	}
	return data, nil
}

// fileError reports what the file system says, without naming the path twice.
func fileError(path string, err error) *Error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		if pathErr.Path != path {
			path = pathErr.Path
		}
		err = pathErr.Err
	}
	return &Error{Position: Position{File: path}, Message: err.Error()}
}
