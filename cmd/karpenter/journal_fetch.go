package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/karpenter-sim/karpenter/cmd/controller/share"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/pods"
	"github.com/karpenter-sim/karpenter/sim/output"
)

// What became of a file.
const (
	fileNew       = "new"
	fileGrown     = "grown"
	fileUnchanged = "unchanged"
)

// A fetchedFile is one file of the controller that is here now.
type fetchedFile struct {
	File string `json:"file"`
	Pod  string `json:"pod"`
	// State is new, grown or unchanged.
	State string `json:"state"`
	// Size is the file's, Fetched what of it was brought this time, in bytes.
	Size    int64 `json:"size"`
	Fetched int64 `json:"fetched"`
}

// overlap is how much of a file that grew is read again. Its last line ends with
// the digest that follows from all lines of that object before, so that a local
// file with the same end is the same file.
const overlap = 512

// stall is how long a pod may be silent in the middle of a file.
const stall = 30 * time.Second

// A fetchedDirectory is where journal files are gathered, of any number of pods.
type fetchedDirectory struct {
	*output.Dir
	path  string
	files []fetchedFile
}

func openFetched(path string) (*fetchedDirectory, error) {
	out, err := openOutput(path, output.Options{Kind: output.Journals})
	if err != nil {
		return nil, err
	}
	return &fetchedDirectory{Dir: out, path: path, files: []fetchedFile{}}, nil
}

func (a *app) notePod(p *corev1.Pod) { a.note("pod %s/%s", p.Namespace, p.Name) }

// fetchPod brings the files of one pod that were written to since then.
func (a *app) fetchPod(ctx context.Context, client *pods.Client, pod *corev1.Pod, d *fetchedDirectory, since time.Time) error {
	port, err := servedPort(pod)
	if err != nil {
		return err
	}
	dialing, cancel := context.WithTimeoutCause(ctx, answerTimeout, errors.New("the API server did not connect to the pod in time"))
	defer cancel()
	forward, err := client.Forward(dialing, pod.Namespace, pod.Name)
	if err != nil {
		if ctx.Err() == nil && dialing.Err() != nil {
			return context.Cause(dialing)
		}
		return withRights(err, pod.Namespace)
	}
	defer forward.Close()
	served := &share.Client{HTTP: throughPort(forward, port)}
	files, err := served.List(ctx)
	if err != nil {
		return withCure(err, pod)
	}
	for _, f := range files {
		if f.Modified.Before(since) {
			continue
		}
		got, err := d.fetch(ctx, served, f)
		if errors.Is(err, share.ErrGone) {
			a.note("  %s expired meanwhile", f.Name)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if got.State == fileUnchanged && d.has(got.File) {
			continue // the pods share a volume
		}
		got.Pod = pod.Name
		d.files = append(d.files, got)
		if got.State != fileUnchanged {
			a.note("  %s %s, %s", got.File, got.State, bytesText(got.Fetched))
		}
	}
	return nil
}

// withCure says what to do where the pod does not serve its journal.
func withCure(err error, pod *corev1.Pod) error {
	switch text := err.Error(); {
	case strings.Contains(text, "connection refused"):
		return fmt.Errorf("nothing serves the journal there: the controller is starting, or runs without --journal-address (%w)", err)
	case strings.Contains(text, "--journal-dir"):
		return fmt.Errorf("%w; with --journal-stdout: kubectl logs -n %s %s | grep '^{\"v\":' | karpenter verify -", err, pod.Namespace, pod.Name)
	}
	return err
}

// fetch brings one file, or the rest of it.
func (d *fetchedDirectory) fetch(ctx context.Context, served *share.Client, f share.File) (fetchedFile, error) {
	if strings.HasSuffix(f.Name, share.Plain) {
		if size, ok := d.size(f.Stem() + share.Compressed); ok {
			// Another pod with the same volume had it whole.
			return fetchedFile{File: f.Stem() + share.Compressed, State: fileUnchanged, Size: size}, nil
		}
	}
	had, ok := d.size(f.Name)
	switch {
	case ok && (had == f.Size || had > f.Size && strings.HasSuffix(f.Name, share.Plain)):
		return fetchedFile{File: f.Name, State: fileUnchanged, Size: had}, nil
	case ok && had < f.Size && strings.HasSuffix(f.Name, share.Plain):
		got, err := d.extend(ctx, served, f, had)
		if !errors.Is(err, errOther) {
			return d.orCompressed(ctx, served, f, got, err)
		}
	}
	got, err := d.whole(ctx, served, f)
	return d.orCompressed(ctx, served, f, got, err)
}

// orCompressed turns to the compressed form of a plain file that is gone: the
// controller has begun the next one since it listed them.
func (d *fetchedDirectory) orCompressed(ctx context.Context, served *share.Client, f share.File, got fetchedFile, err error) (fetchedFile, error) {
	if !errors.Is(err, share.ErrGone) || !strings.HasSuffix(f.Name, share.Plain) {
		return got, err
	}
	f.Name = f.Stem() + share.Compressed
	return d.whole(ctx, served, f)
}

// has says whether a file was brought or found by this call.
func (d *fetchedDirectory) has(name string) bool {
	return slices.ContainsFunc(d.files, func(f fetchedFile) bool { return f.File == name })
}

// size is the size of a file that is here.
func (d *fetchedDirectory) size(name string) (int64, bool) {
	info, err := os.Stat(filepath.Join(d.path, name))
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}

// whole brings all of a file.
func (d *fetchedDirectory) whole(ctx context.Context, served *share.Client, f share.File) (fetchedFile, error) {
	if err := d.Claim(f.Name); err != nil {
		return fetchedFile{}, err
	}
	var n int64
	_, had := d.size(f.Name)
	size, err := d.write(f, func(w io.Writer) (err error) {
		n, err = download(ctx, served, f.Name, 0, nil, w)
		return err
	})
	if err != nil {
		return fetchedFile{}, err
	}
	state := fileNew
	plain := f.Stem() + share.Plain
	if strings.HasSuffix(f.Name, share.Compressed) {
		if _, begun := d.size(plain); begun {
			// It holds the beginning of what is here as a whole now.
			had = true
			if err := os.Remove(filepath.Join(d.path, plain)); err != nil {
				return fetchedFile{}, err
			}
		}
	}
	if had {
		state = fileGrown
	}
	return fetchedFile{File: f.Name, State: state, Size: size, Fetched: n}, nil
}

// errOther says that the file here is not the beginning of the one there.
var errOther = errors.New("another file of this name is here")

// extend brings the lines that a file here lacks.
func (d *fetchedDirectory) extend(ctx context.Context, served *share.Client, f share.File, had int64) (fetchedFile, error) {
	file, err := os.Open(filepath.Join(d.path, f.Name))
	if err != nil {
		return fetchedFile{}, err
	}
	defer file.Close()
	from := max(0, had-overlap)
	end := make([]byte, had-from)
	if _, err := file.ReadAt(end, from); err != nil {
		return fetchedFile{}, err
	}
	var n int64
	size, err := d.write(f, func(w io.Writer) (err error) {
		if _, err := io.CopyN(w, file, had); err != nil {
			return err
		}
		n, err = download(ctx, served, f.Name, from, end, w)
		return err
	})
	return fetchedFile{File: f.Name, State: fileGrown, Size: size, Fetched: n}, err
}

// write makes a file appear as a whole, with the time of the one there.
func (d *fetchedDirectory) write(f share.File, content func(io.Writer) error) (size int64, err error) {
	file, err := os.CreateTemp(d.Set(), "fetching-")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	if err := errors.Join(content(file), file.Chmod(0o644)); err != nil {
		return 0, errors.Join(err, file.Close())
	}
	info, err := file.Stat()
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return 0, err
	}
	if err := os.Chtimes(file.Name(), time.Time{}, f.Modified); err != nil {
		return 0, err
	}
	return info.Size(), os.Rename(file.Name(), filepath.Join(d.path, f.Name))
}

// download copies a file from an offset on, behind the bytes that it must begin
// with. It returns how many bytes came.
func download(ctx context.Context, served *share.Client, name string, from int64, known []byte, w io.Writer) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(stall, func() { cancel(fmt.Errorf("the pod sent nothing for %s", stall)) })
	defer silent.Stop()
	body, err := served.Open(ctx, name, from)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	begin := make([]byte, len(known))
	n, err := io.ReadFull(body, begin)
	if err == nil && !bytes.Equal(begin, known) {
		return 0, errOther
	}
	if err != nil {
		return 0, fmt.Errorf("after %d bytes: %w", n, err)
	}
	copied, err := io.Copy(w, readerFunc(func(p []byte) (int, error) {
		silent.Reset(stall)
		return body.Read(p)
	}))
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		return 0, fmt.Errorf("after %d bytes: %w", copied, err)
	}
	return int64(n) + copied, nil
}

// readerFunc is an io.Reader.
type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
