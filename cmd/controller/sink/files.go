package sink

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/karpenter-sim/karpenter/cmd/controller/share"
)

const (
	// maxAge is how long a file is written to.
	maxAge = time.Hour
	// retry is how long to wait after a file could not be opened or written.
	retry = 10 * time.Second
)

// files is the journal's directory.
type files struct {
	options Options
	metrics *metrics
	// maxFile is the size at which the next file begins.
	maxFile int64

	// The current file; stream is nil where there is none.
	stream *stream
	file   *os.File
	size   int64
	opened time.Time
	number int
	// failed is when a file last failed, zero if it did not.
	failed time.Time

	compressing sync.WaitGroup
}

func openFiles(o Options, m *metrics) (*files, error) {
	if err := os.MkdirAll(o.Directory, 0o750); err != nil {
		return nil, err
	}
	// A directory that cannot be written to should be known at once.
	probe, err := os.CreateTemp(o.Directory, ".probe-")
	if err != nil {
		return nil, err
	}
	probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return nil, err
	}
	d := &files{options: o, metrics: m, maxFile: max(1<<20, min(64<<20, o.MaxBytes/8))}
	d.adopt()
	d.expire()
	return d, nil
}

// write adds an entry to the current file. A file begins with a record, so that
// none consists of outcomes alone.
func (d *files) write(e entry) {
	if e.record != nil && d.stream != nil && (d.size+int64(d.stream.buffer.Len()) >= d.maxFile || d.options.Clock.Since(d.opened) >= maxAge) {
		d.rotate()
	}
	if d.stream == nil && (e.record == nil || !d.open()) {
		d.metrics.dropped.Inc()
		return
	}
	d.stream.add(e)
}

// open begins a file, unless one has just failed.
func (d *files) open() bool {
	now := d.options.Clock.Now()
	if !d.failed.IsZero() && now.Sub(d.failed) < retry {
		return false
	}
	for {
		d.number++
		name := fmt.Sprintf("%s%s-%s-%04d%s", share.Prefix, now.UTC().Format("20060102T150405Z"), d.options.Identity, d.number, share.Plain)
		file, err := os.OpenFile(filepath.Join(d.options.Directory, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
		if errors.Is(err, fs.ErrExist) {
			continue // a process before this one, in the same second
		}
		if err != nil {
			d.fail(err)
			return false
		}
		// The lock says that the file is in use; it ends with the process.
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			d.options.Log.Error(err, "journal: locking a file", "file", name)
		}
		d.file, d.stream, d.size, d.opened, d.failed = file, newStream(file), 0, now, time.Time{}
		return true
	}
}

// flush writes what has been gathered, if that is much or nothing else waits.
func (d *files) flush(idle bool) {
	if d.stream == nil || !idle && d.stream.buffer.Len() < flushBytes {
		return
	}
	n, lost, err := d.stream.flush()
	d.size += n
	d.metrics.bytes.Add(float64(n))
	if err != nil {
		// Only a file's last line may be torn, so this one ends here.
		if d.stream.torn {
			lost++
		}
		d.metrics.dropped.Add(float64(lost))
		d.fail(err)
		d.file.Close()
		d.stream, d.file = nil, nil
	}
}

func (d *files) fail(err error) {
	d.metrics.failed.Inc()
	d.failed = d.options.Clock.Now()
	d.options.Log.Error(err, "journal")
}

// rotate ends the current file and has it compressed.
func (d *files) rotate() {
	d.flush(true)
	if d.stream == nil {
		return
	}
	path := d.file.Name()
	if err := errors.Join(d.file.Sync(), d.file.Close()); err != nil {
		d.fail(err)
	}
	d.stream, d.file = nil, nil
	d.compress(path)
	d.expire()
}

func (d *files) close() {
	d.rotate()
	d.compressing.Wait()
}

// compress replaces a finished file by its compressed form, in the background.
func (d *files) compress(path string) {
	d.compressing.Add(1)
	go func() {
		defer d.compressing.Done()
		if err := compressFile(path); err != nil {
			d.metrics.failed.Inc()
			d.options.Log.Error(err, "journal: compressing a finished file")
		}
	}()
}

// compressFile compresses path beside it. Whatever happens, one of the two is whole.
func compressFile(path string) error {
	source, err := os.Open(path)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	directory, name := filepath.Split(path)
	target, err := os.CreateTemp(directory, ".compressing-")
	if err != nil {
		return err
	}
	defer os.Remove(target.Name()) // where it has not been renamed
	zipped := gzip.NewWriter(target)
	_, err = io.Copy(zipped, source)
	if err := errors.Join(err, zipped.Close(), target.Chmod(0o640), target.Sync(), target.Close()); err != nil {
		return err
	}
	// Retention goes by the time of the last line.
	if err := os.Chtimes(target.Name(), time.Time{}, info.ModTime()); err != nil {
		return err
	}
	if err := os.Rename(target.Name(), filepath.Join(directory, strings.TrimSuffix(name, share.Plain)+share.Compressed)); err != nil {
		return err
	}
	return os.Remove(path)
}

// adopt compresses what a killed process of the same identity left behind.
func (d *files) adopt() {
	left, _ := filepath.Glob(filepath.Join(d.options.Directory, share.Prefix+"*-"+d.options.Identity+"-*"+share.Plain))
	for _, path := range left {
		if _, err := os.Stat(strings.TrimSuffix(path, share.Plain) + share.Compressed); err == nil {
			_ = os.Remove(path) // it was killed between renaming and removing
			continue
		}
		if !inUse(path) {
			d.compress(path)
		}
	}
	abandoned, _ := filepath.Glob(filepath.Join(d.options.Directory, ".compressing-*"))
	for _, path := range abandoned {
		if info, err := os.Stat(path); err == nil && d.options.Clock.Since(info.ModTime()) > maxAge {
			_ = os.Remove(path)
		}
	}
}

// inUse says whether a living process writes the file.
func inUse(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return true
	}
	defer file.Close()
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// expire removes files that are too old, and the oldest where there is too much.
func (d *files) expire() {
	found, err := share.List(d.options.Directory)
	if err != nil {
		d.fail(err)
		return
	}
	total := int64(0)
	var kept []share.File
	for _, f := range found {
		if d.options.Clock.Since(f.Modified) > d.options.Retention {
			d.remove(f.Name)
			continue
		}
		total += f.Size
		kept = append(kept, f)
	}
	for len(kept) > 1 && total > d.options.MaxBytes {
		d.remove(kept[0].Name)
		total -= kept[0].Size
		kept = kept[1:]
	}
}

func (d *files) remove(name string) {
	if err := os.Remove(filepath.Join(d.options.Directory, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.metrics.failed.Inc()
		d.options.Log.Error(err, "journal: removing an old file")
	}
}
