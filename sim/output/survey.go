package output

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// namesMost is how many names an error lists.
const namesMost = 5

// survey reads the marker and refuses whatever is in the directory and not listed
// there, or was changed since; only with deep are contents looked at.
func (d *Dir) survey(deep bool) (*marker, error) {
	m, err := readMarker(d.root.FS(), Marker)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Marker, reason(err))
	}
	if err := d.fits(m); err != nil {
		return nil, err
	}
	w := walker{Dir: d, deep: deep}
	w.files, w.dirs = m.listed()
	if err := fs.WalkDir(d.root.FS(), ".", w.visit); err != nil {
		return nil, reason(err)
	}
	return m, w.verdict(m)
}

// fits says whether the set that is there may become one of this kind.
func (d *Dir) fits(m *marker) error {
	switch {
	case m == nil:
		return nil
	case m.Kind != d.options.Kind:
		return fmt.Errorf("holds %s that karpenter wrote; name another directory", map[Kind]string{
			Reports: "reports", Recording: "a recording", Journals: "journals", Audit: "an audit", Scenarios: "half-written scenarios",
		}[m.Kind])
	case m.Kind == Recording && m.State == complete:
		return errors.New("holds a recording already, and recordings are not replaced; name another directory, or remove it yourself")
	}
	return nil
}

// A walker collects what is in the way.
type walker struct {
	*Dir
	deep  bool
	files map[string]string
	dirs  map[string]bool

	foreign, changed []string
	// unfinished is the directory of work that another command left.
	unfinished string
}

func (w *walker) visit(name string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	digest, listed := w.files[name]
	switch {
	case name == ".":
		return nil
	case name == staging && entry.IsDir():
		if !w.staged() {
			w.foreign = append(w.foreign, name)
		}
		return fs.SkipDir
	case name == w.options.Work && entry.IsDir(), name == "lost+found" && entry.IsDir(): // the latter is a file system's own
		return fs.SkipDir
	case strings.HasPrefix(name, workPrefix) && entry.IsDir():
		w.unfinished = name
		return fs.SkipDir
	case name == Marker && w.marked():
		return nil
	case w.options.Kind == Scenarios && !listed:
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil // they stand beside whatever there is
	case entry.IsDir() && w.dirs[name]:
		return nil
	case entry.IsDir():
		w.foreign = append(w.foreign, name+"/")
		return fs.SkipDir
	case !listed || !entry.Type().IsRegular():
		w.foreign = append(w.foreign, name)
		return nil
	case digest == "" || !w.deep:
		return nil
	}
	now, err := digestOf(w.root.FS(), name)
	if err == nil && now != digest {
		w.changed = append(w.changed, name)
	}
	return err
}

func (w *walker) marked() bool {
	m, err := readMarker(w.root.FS(), Marker)
	return err == nil && m != nil
}

// staged says whether the staging directory is ours: it has our marker, or has
// just been made.
func (d *Dir) staged() bool {
	if m, err := readMarker(d.root.FS(), stagedMark); err == nil && m != nil {
		return true
	}
	entries, err := fs.ReadDir(d.root.FS(), staging)
	return err == nil && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return !e.Type().IsRegular() || e.Name() != "lock" && e.Name() != Marker
	})
}

// workPrefix begins the names of directories in which long calls keep what a later
// one goes on with.
const workPrefix = ".karpenter-"

func (w *walker) verdict(m *marker) error {
	switch {
	case len(w.foreign) > 0 && m == nil:
		hint := "name a new or an empty directory"
		if slices.Contains(w.foreign, "report.json") || slices.Contains(w.foreign, "manifest.json") {
			hint += "; what karpenter wrote before it kept a " + Marker + " is for you to remove"
		}
		return fmt.Errorf("holds what karpenter did not write: %s; %s", names(w.foreign), hint)
	case len(w.foreign) > 0:
		return fmt.Errorf("holds what karpenter did not write beside its own: %s; move it elsewhere, or name another directory", names(w.foreign))
	case len(w.changed) > 0:
		return fmt.Errorf("changed since karpenter wrote it: %s; move it elsewhere or remove it, or name another directory", names(w.changed))
	case w.unfinished != "":
		return fmt.Errorf("holds unfinished work of another command in %s; go on with that command, name another directory, or remove it yourself", w.unfinished)
	}
	return nil
}

func names(list []string) string {
	slices.Sort(list)
	var shown []string
	for _, n := range list[:min(len(list), namesMost)] {
		if q := strconv.Quote(n); q[1:len(q)-1] != n {
			n = q
		}
		shown = append(shown, n)
	}
	text := strings.Join(shown, ", ")
	if more := len(list) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func digestOf(dir fs.FS, name string) (string, error) {
	f, err := dir.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
