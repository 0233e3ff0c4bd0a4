package output

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Commit puts what was staged in place of the earlier set. Where it fails, or the
// process is killed, each file is the old one or the new one, readers refuse the
// directory, and the next call finishes the job.
func (d *Dir) Commit() error {
	next, err := d.stagedFiles()
	if err != nil {
		return err
	}
	old, err := readMarker(d.root.FS(), Marker)
	if err != nil {
		return err
	}
	if err := d.free(old, next); err != nil {
		return err
	}
	if err := d.mark(&marker{Kind: d.options.Kind, State: writing, Files: d.unsettled(old, next)}); err != nil {
		return err
	}
	if !d.options.Amend {
		d.removeRest(old, next)
	}
	for _, f := range next {
		if err := d.place(f.Path); err != nil {
			return err
		}
	}
	switch {
	case d.options.Kind == Scenarios:
		d.step("remove marker")
		return d.root.Remove(Marker)
	case d.options.Amend:
		next = union(old, next)
	}
	return d.mark(&marker{Kind: d.options.Kind, State: complete, Files: next})
}

// stagedFiles are the files of the new set, sorted by path.
func (d *Dir) stagedFiles() ([]file, error) {
	set, err := fs.Sub(d.root.FS(), stagedSet)
	if err != nil {
		return nil, err
	}
	files := []file{}
	err = fs.WalkDir(set, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f := file{Path: name}
		if d.options.Kind == Reports {
			if f.SHA256, err = digestOf(set, name); err != nil {
				return err
			}
		}
		files = append(files, f)
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.Path, b.Path) })
	return files, err
}

// free refuses to replace what came into the directory while the set was made.
func (d *Dir) free(old *marker, next []file) error {
	listed, _ := old.listed()
	for _, f := range next {
		if f.Path == Marker || strings.HasPrefix(f.Path, workPrefix) {
			return fmt.Errorf("the name %s is reserved", f.Path)
		}
		info, err := d.root.Lstat(f.Path)
		if _, ours := listed[f.Path]; err == nil && !(ours && info.Mode().IsRegular()) && !info.IsDir() {
			return fmt.Errorf("%s came there meanwhile, and karpenter did not write it; move it elsewhere", names([]string{f.Path}))
		}
	}
	return nil
}

// union is the files of both, the new ones' digests where they are in both.
func union(old *marker, next []file) []file {
	all := slices.Clone(next)
	replaced, _ := (&marker{Files: next}).listed()
	if old != nil {
		for _, f := range old.Files {
			if _, ok := replaced[f.Path]; !ok {
				all = append(all, f)
			}
		}
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// unsettled is the files of both, without the digests of those that are about to be
// replaced or removed.
func (d *Dir) unsettled(old *marker, next []file) []file {
	all := union(old, next)
	replaced, _ := (&marker{Files: next}).listed()
	for i := range all {
		if _, ok := replaced[all[i].Path]; ok || !d.options.Amend {
			all[i].SHA256 = ""
		}
	}
	return all
}

// mark replaces the marker in one step.
func (d *Dir) mark(m *marker) error {
	m.Version = markerVersion
	text, err := m.encode()
	if err != nil {
		return err
	}
	d.step("write next marker")
	if err := d.root.WriteFile(stagedNext, text, 0o644); err != nil {
		return err
	}
	d.step("mark " + m.State)
	return d.root.Rename(stagedNext, Marker)
}

// removeRest removes what the old set had and the new one has not, and the
// directories that this leaves empty. What cannot be removed is left.
func (d *Dir) removeRest(old *marker, next []file) {
	had, _ := old.listed()
	keep, keepDirs := (&marker{Files: next}).listed()
	emptied := map[string]bool{}
	for _, name := range sorted(had) {
		if _, ok := keep[name]; ok {
			continue
		}
		d.step("remove " + name)
		_ = d.root.Remove(name)
		for dir := path.Dir(name); dir != "." && !keepDirs[dir]; dir = path.Dir(dir) {
			emptied[dir] = true
		}
	}
	dirs := sorted(emptied)
	slices.Reverse(dirs) // inner ones first
	for _, dir := range dirs {
		d.step("remove " + dir)
		_ = d.root.Remove(dir)
	}
}

func sorted[V any](names map[string]V) []string {
	var list []string
	for n := range names {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// place moves one file of the new set to where it belongs.
func (d *Dir) place(name string) error {
	if dir := path.Dir(name); dir != "." {
		d.step("make " + dir)
		if err := d.root.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("%s: %w", dir, reason(err))
		}
	}
	d.step("rename " + name)
	if err := d.root.Rename(stagedSet+"/"+name, name); err != nil {
		return fmt.Errorf("%s: %w", name, reason(err))
	}
	return nil
}

// Claim lists files as ours before they are written one at a time, as journals
// are; one that is there and not listed is refused. Without any it makes the
// directory ours, so that Close leaves it.
func (d *Dir) Claim(paths ...string) error {
	old, err := readMarker(d.root.FS(), Marker)
	if err != nil {
		return err
	}
	var next []file
	for _, p := range paths {
		if !fs.ValidPath(p) || p == "." {
			return fmt.Errorf("%q is no name of a file", p)
		}
		next = append(next, file{Path: p})
	}
	if err := d.free(old, next); err != nil {
		return err
	}
	if old != nil && len(next) == 0 {
		return nil
	}
	return d.mark(&marker{Kind: d.options.Kind, State: complete, Files: union(old, next)})
}

// writable says before the work what would stop Commit after it.
func (d *Dir) writable(m *marker) error {
	var errs []error
	_, dirs := m.listed()
	for _, dir := range sorted(dirs) {
		if info, err := d.root.Lstat(dir); err != nil || !info.IsDir() {
			continue // it is yet to be made
		}
		if err := access(d.Path(dir)); err != nil {
			errs = append(errs, fmt.Errorf("cannot write to %s: %w", dir, err))
		}
	}
	return errors.Join(errs...)
}
