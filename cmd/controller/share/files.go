package share

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// What the names of journal files begin and end with: Plain while they are
// written, Compressed afterwards.
const (
	Prefix     = "decisions-"
	Plain      = ".jsonl"
	Compressed = ".jsonl.gz"
)

// A File is one file of a journal's directory.
type File struct {
	Name string `json:"name"`
	// Size is in bytes.
	Size int64 `json:"size"`
	// Modified is when its last line was written.
	Modified time.Time `json:"modified"`
}

// Stem is the name that the file has in both of its forms, without what says
// which one it is.
func (f *File) Stem() string {
	return strings.TrimSuffix(strings.TrimSuffix(f.Name, Compressed), Plain)
}

// IsJournal says whether a name is one of a journal file.
func IsJournal(name string) bool {
	return strings.HasPrefix(name, Prefix) && (strings.HasSuffix(name, Plain) || strings.HasSuffix(name, Compressed))
}

// List returns the journal files of a directory by name, which begins with the
// time of the first line. A file that is just being compressed is listed in both
// of its forms.
func List(directory string) ([]File, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		if !IsJournal(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: e.Name(), Size: info.Size(), Modified: info.ModTime().UTC()})
	}
	return files, nil
}

// whole leaves out the plain form of what stands there compressed, too.
func whole(files []File) []File {
	compressed := map[string]bool{}
	for i := range files {
		if strings.HasSuffix(files[i].Name, Compressed) {
			compressed[files[i].Stem()] = true
		}
	}
	return slices.DeleteFunc(files, func(f File) bool {
		return strings.HasSuffix(f.Name, Plain) && compressed[f.Stem()]
	})
}
