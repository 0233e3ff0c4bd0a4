package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names inside a directory that is being written.
const (
	// staging holds the new set until it is whole, and what tells it from a
	// directory of somebody else's.
	staging    = ".karpenter-staging"
	stagedSet  = staging + "/set"
	stagedLock = staging + "/lock"
	stagedMark = staging + "/" + Marker
	stagedNext = staging + "/next"
)

// Options say what is written.
type Options struct {
	Kind Kind
	// Amend keeps the files of the set that the new ones do not replace.
	Amend bool
	// Work is the name of a directory that an earlier call may have left in the
	// directory for this one to go on with.
	Work string

	// step is called before each change of the directory; tests end the process
	// there.
	step func(what string)
}

// A Dir is a directory that a set is being written to. Close has to be called.
type Dir struct {
	path    string
	options Options
	root    *os.Root
	lock    *os.File
	// made are the directories that Open made, outermost first.
	made []string
}

// Check says what is in the way of a set in a directory, and changes nothing. The
// errors of this package do not name the directory.
func Check(dir string, options Options) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(dir); err == nil {
			return errors.New("a symbolic link to nothing; make the directory that it names, or name another one")
		}
		return nil
	}
	if err != nil {
		return reason(err)
	}
	if !info.IsDir() {
		return errors.New("a file; name a directory")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return reason(err)
	}
	defer root.Close()
	d := &Dir{path: dir, options: options, root: root}
	_, err = d.survey(false)
	return err
}

// Open makes the directory where it is missing, refuses one that holds anything
// but an earlier set of the same kind, and finds out whether it can be written.
// It removes what a killed call left there.
func Open(dir string, options Options) (d *Dir, err error) {
	if err := Check(dir, options); err != nil {
		return nil, err
	}
	d = &Dir{path: dir, options: options}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if d.made, err = makeDirs(dir); err != nil {
		return d, reason(err)
	}
	if d.root, err = os.OpenRoot(dir); err != nil {
		return d, reason(err)
	}
	if err := d.stage(); err != nil {
		return d, err
	}
	m, err := d.survey(!options.Amend) // what is written again may have changed
	if err != nil {
		return d, err
	}
	return d, d.writable(m)
}

// makeDirs makes a directory and those above it, and returns those it made.
func makeDirs(dir string) (made []string, err error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for d := absolute; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		made = append([]string{d}, made...)
	}
	return made, os.MkdirAll(absolute, 0o755)
}

// stage makes the staging directory ours alone and empties it.
func (d *Dir) stage() error {
	for range 10 {
		d.step("make staging")
		if err := d.root.Mkdir(staging, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cannot write there: %w", reason(err))
		}
		d.step("lock")
		lock, err := d.root.OpenFile(stagedLock, os.O_CREATE|os.O_RDWR, 0o644)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process has just ended
		}
		if err != nil {
			return fmt.Errorf("cannot write there: %w", reason(err))
		}
		if !exclusive(lock) {
			return errors.Join(errors.New("another process is writing there now"), lock.Close())
		}
		mine, errMine := lock.Stat()
		there, errThere := d.root.Lstat(stagedLock)
		if errMine == nil && errThere == nil && os.SameFile(mine, there) {
			d.lock = lock
			return d.empty()
		}
		if err := lock.Close(); err != nil {
			return err
		}
	}
	return errors.New("other processes keep writing there")
}

// empty drops what a killed process left in the staging directory.
func (d *Dir) empty() error {
	d.step("remove old set")
	if err := errors.Join(d.root.RemoveAll(stagedSet), d.root.RemoveAll(stagedNext)); err != nil {
		return err
	}
	text, err := (&marker{Version: markerVersion, Kind: d.options.Kind, State: writing, Files: []file{}}).encode()
	if err != nil {
		return err
	}
	d.step("mark staging")
	if err := d.root.WriteFile(stagedMark, text, 0o644); err != nil {
		return fmt.Errorf("cannot write there: %w", reason(err))
	}
	d.step("make set")
	return d.root.Mkdir(stagedSet, 0o755)
}

// Sweep removes what a call left that was killed after its set was complete, from a
// directory whose set no later call replaces.
func Sweep(dir string, options Options) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return
	}
	d := &Dir{path: dir, options: options, root: root}
	defer d.Close()
	m, err := readMarker(root.FS(), Marker)
	if err != nil || m == nil || m.Kind != options.Kind || m.State != complete {
		return
	}
	if _, err := root.Lstat(staging); err != nil || !d.staged() || d.stage() != nil {
		return
	}
	if options.Work != "" {
		d.step("remove " + options.Work)
		_ = root.RemoveAll(options.Work)
	}
}

// Set is the path of the directory to write the new set to.
func (d *Dir) Set() string { return filepath.Join(d.path, filepath.FromSlash(stagedSet)) }

// Path is the path of a file or directory in the directory itself.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

// Lists says whether a file in the directory is ours.
func (d *Dir) Lists(name string) bool {
	m, err := readMarker(d.root.FS(), Marker)
	files, _ := m.listed()
	_, ok := files[name]
	return err == nil && ok
}

// Close drops what was staged and not committed, and the directories that Open
// made where nothing is in them.
func (d *Dir) Close() error {
	var errs []error
	if d.lock != nil {
		// What makes the staging directory ours goes last.
		for _, name := range []string{stagedSet, stagedNext, stagedLock, stagedMark} {
			d.step("remove " + name)
			errs = append(errs, d.root.RemoveAll(name))
		}
		d.step("remove staging")
		errs = append(errs, d.root.Remove(staging), d.lock.Close())
		d.lock = nil
	}
	if d.root != nil {
		errs = append(errs, d.root.Close())
		d.root = nil
	}
	for i := len(d.made) - 1; i >= 0; i-- {
		if os.Remove(d.made[i]) != nil {
			break // something is in it
		}
	}
	d.made = nil
	return errors.Join(errs...)
}

func (d *Dir) step(what string) {
	if d.options.step != nil {
		d.options.step(what)
	}
}

// reason is an operating system's error without the path that the caller names.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
