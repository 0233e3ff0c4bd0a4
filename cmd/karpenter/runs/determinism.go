package runs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Difference says that two runs of the same differ.
type Difference struct{ error }

// Again plays everything a second time under other circumstances and compares all files
// with those of the first time. What differs first is a *Difference.
func (s *Session) Again(ctx context.Context, files []*scenario.File, first string) error {
	second, err := os.MkdirTemp("", "karpenter-again-")
	if err != nil {
		return sim.Internal(err)
	}
	defer os.RemoveAll(second)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	local := time.Local
	defer func() { time.Local = local }()
	time.Local = time.FixedZone("elsewhere", 5*3600+45*60)
	shuffled := make([]*scenario.File, len(files))
	for i, f := range files {
		copied := *f
		copied.Manifests = reversed(f.Manifests)
		copied.Variants = make([]*manifest.Set, len(f.Variants))
		for k, v := range f.Variants {
			copied.Variants[k] = reversed(v)
		}
		shuffled[i] = &copied
	}
	jobs, err := s.Prepare(ctx, shuffled)
	defer func() {
		for _, j := range jobs {
			j.Close()
		}
	}()
	if err != nil {
		return err
	}
	if _, err := s.Play(ctx, jobs, second); err != nil {
		return err
	}
	return CompareTrees(first, second)
}

// reversed is a set with its objects in the opposite order.
func reversed(set *manifest.Set) *manifest.Set {
	if set == nil {
		return nil
	}
	out := *set
	out.Autoscalers = slices.Clone(set.Autoscalers)
	slices.Reverse(out.Autoscalers)
	out.Producers = slices.Clone(set.Producers)
	slices.Reverse(out.Producers)
	out.NodeGroups = slices.Clone(set.NodeGroups)
	slices.Reverse(out.NodeGroups)
	return &out
}

// CompareTrees returns a *Difference at the first file that two directories do not have
// in common.
func CompareTrees(first, second string) error {
	names, err := filesBelow(first)
	if err != nil {
		return err
	}
	for _, name := range names {
		a, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(second, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &Difference{fmt.Errorf("%s: only the first run wrote it", name)}
		case err != nil:
			return err
		case !bytes.Equal(a, b):
			return &Difference{firstDifference(name, a, b)}
		}
	}
	others, err := filesBelow(second)
	if err != nil {
		return err
	}
	for _, name := range others {
		if !slices.Contains(names, name) {
			return &Difference{fmt.Errorf("%s: only the second run wrote it", name)}
		}
	}
	return nil
}

// filesBelow are the files below a directory, by their paths in it, sorted.
func filesBelow(directory string) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(directory), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, path)
		}
		return err
	})
	return names, err
}

func firstDifference(name string, a, b []byte) error {
	first, second := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(first), len(second)) {
		if first[i] != second[i] {
			return fmt.Errorf("%s:%d differs from run to run\n  first:  %.300q\n  second: %.300q", name, i+1, first[i], second[i])
		}
	}
	return fmt.Errorf("%s differs from run to run in its length: %d and %d bytes", name, len(a), len(b))
}
