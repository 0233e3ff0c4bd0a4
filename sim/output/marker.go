package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// Marker is the name of the file that makes a directory ours. It is not hidden:
// what copies and uploads directories leaves hidden files out.
const Marker = "karpenter-output.json"

const (
	markerVersion = 1
	// markerSize bounds what is read as a marker, in bytes.
	markerSize = 64 << 20
)

// A Kind says what a set of files is. A set is replaced only by one of its kind.
type Kind string

// Kinds of sets.
const (
	// Reports is the kind that simulate, replay and tune write.
	Reports Kind = "Reports"
	// Recording is the kind that record writes; it is never replaced.
	Recording Kind = "Recording"
	// Journals are fetched files, to which later calls add.
	Journals Kind = "Journals"
	// Audit is an audit of live autoscalers, to which findings are added one by one.
	Audit Kind = "Audit"
	// Scenarios are files that belong to whoever had them written: they are never
	// replaced, and have a marker only while they are being written.
	Scenarios Kind = "Scenarios"
)

// States of a directory.
const (
	complete = "Complete"
	writing  = "Writing"
)

// marker is the content of Marker.
type marker struct {
	Version int    `json:"version"`
	Kind    Kind   `json:"kind"`
	State   string `json:"state"`
	// Files are sorted by path. While the state is writing they are those of the
	// old set and the new, with digests where they stay as they are.
	Files []file `json:"files"`
}

// A file is ours whatever is in it where it has no digest.
type file struct {
	// Path is relative to the directory, with slashes.
	Path   string `json:"path"`
	SHA256 string `json:"sha256,omitempty"`
}

// readMarker returns nil where there is no marker of ours.
func readMarker(dir fs.FS, name string) (*marker, error) {
	info, err := fs.Lstat(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, markerSize))
	if err != nil {
		return nil, err
	}
	return parseMarker(text), nil
}

// parseMarker returns nil for what is no marker, such as one with a path that
// leads out of the directory.
func parseMarker(text []byte) *marker {
	var m marker
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil || m.Version != markerVersion {
		return nil
	}
	if m.State != complete && m.State != writing || !slices.Contains([]Kind{Reports, Recording, Journals, Audit, Scenarios}, m.Kind) {
		return nil
	}
	for _, f := range m.Files {
		if !fs.ValidPath(f.Path) || !filepath.IsLocal(filepath.FromSlash(f.Path)) || f.Path == "." {
			return nil
		}
	}
	return &m
}

func (m *marker) encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", " ")
	return append(text, '\n'), err
}

// listed is the files by path; directories that hold any are there with "".
func (m *marker) listed() (files map[string]string, dirs map[string]bool) {
	files, dirs = map[string]string{}, map[string]bool{}
	if m == nil {
		return files, dirs
	}
	for _, f := range m.Files {
		files[f.Path] = f.SHA256
		for d := path.Dir(f.Path); d != "."; d = path.Dir(d) {
			dirs[d] = true
		}
	}
	return files, dirs
}

// Marked says whether a directory holds a set that this package wrote or is
// writing. Walks over somebody's files pass such directories over.
func Marked(dir string) bool {
	m, err := readMarker(os.DirFS(dir), Marker)
	return err == nil && m != nil
}

// Listed reports whether the marker of a directory lists a file, named with slashes.
func Listed(dir, name string) bool {
	m, err := readMarker(os.DirFS(dir), Marker)
	if err != nil || m == nil {
		return false
	}
	files, _ := m.listed()
	_, listed := files[name]
	return listed
}

// Files returns what the marker of a directory lists, with slashes, sorted; nothing
// without a marker.
func Files(dir string) []string {
	m, err := readMarker(os.DirFS(dir), Marker)
	if err != nil || m == nil {
		return nil
	}
	files, _ := m.listed()
	return slices.Sorted(maps.Keys(files))
}

// Owner is the directory at or above a path whose marker lists what is there, and
// the path in it, with slashes; ok is false where there is none.
func Owner(name string) (owner, path string, ok bool) {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return "", "", false
	}
	up := ""
	for dir := absolute; ; dir = filepath.Dir(dir) {
		if m, err := readMarker(os.DirFS(dir), Marker); err == nil && m != nil && m.has(dir, absolute) {
			relative, err := filepath.Rel(dir, absolute)
			return filepath.Join(name, up), filepath.ToSlash(relative), err == nil
		}
		if dir == filepath.Dir(dir) {
			return "", "", false
		}
		up = filepath.Join(up, "..")
	}
}

// amending says whether files are being added to a set, or made again of it, whose
// others stay as they are.
func (m *marker) amending() bool {
	return m.State == writing && slices.ContainsFunc(m.Files, func(f file) bool { return f.SHA256 != "" })
}

// Amendable is Readable for a call that reads only what it does not write itself: such
// calls may have been killed before, and it does their work again.
func Amendable(name string) error {
	return readable(name, (*marker).amending)
}

// Readable refuses a path that belongs to a set whose writing did not come to its
// end: its files are of two runs.
func Readable(name string) error {
	return readable(name, func(*marker) bool { return false })
}

func readable(name string, allowed func(*marker) bool) error {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		return nil // whoever opens it says what is wrong
	}
	for _, p := range []string{absolute, resolved} {
		for dir := p; ; dir = filepath.Dir(dir) {
			if m, err := readMarker(os.DirFS(dir), Marker); err == nil && m != nil && m.State == writing && !allowed(m) && m.has(dir, p) {
				hint := " with the same --out"
				if m.amending() {
					hint = ""
				}
				return fmt.Errorf("%s: the command that wrote %s did not come to its end, so its files may be of two runs; run it again%s", name, dir, hint)
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return nil
}

// has says whether a path is the marker's directory, or of what it lists.
func (m *marker) has(dir, name string) bool {
	relative, err := filepath.Rel(dir, name)
	if err != nil {
		return false
	}
	relative = filepath.ToSlash(relative)
	files, dirs := m.listed()
	_, ok := files[relative]
	return ok || dirs[relative] || relative == "."
}
