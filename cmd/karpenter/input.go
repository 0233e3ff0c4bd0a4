package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// stdinPath stands for standard input on the command line, stdinName in messages.
const (
	stdinPath = "-"
	stdinName = "<stdin>"
)

// A journalFile is one decision journal, to be read as often as needed.
type journalFile struct {
	name string
	open func() (io.ReadCloser, error)
}

// journals lists the journals that arguments stand for: files, directories
// with journals in them, and "-" for standard input. A file reached twice is
// listed once.
func (a *app) journals(paths []string) ([]journalFile, error) {
	var files []journalFile
	seen := map[string]bool{}
	for _, path := range paths {
		if path == stdinPath {
			if !seen[path] {
				files = append(files, a.stdinJournal())
			}
			seen[path] = true
			continue
		}
		names, err := journalNames(path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			files = append(files, journalFile{name, func() (io.ReadCloser, error) { return openJournal(name) }})
		}
	}
	return files, nil
}

// stdinJournal keeps standard input, which can be read only once.
func (a *app) stdinJournal() journalFile {
	var text []byte
	var read bool
	return journalFile{stdinName, func() (io.ReadCloser, error) {
		if !read {
			var err error
			if text, err = io.ReadAll(a.stdin); err != nil {
				return nil, fmt.Errorf("%s: %w", stdinName, err)
			}
			read = true
		}
		return decompressed(stdinName, io.NopCloser(bytes.NewReader(text)))
	}}
}

// journalNames are the journals below a path, sorted.
func journalNames(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; want a journal, a directory with journals, or -", path, reason(err))
	}
	if err := output.Readable(path); err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{filepath.Clean(path)}, nil
	}
	names, err := journalsIn(path)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if names, err = journalsBelow(path); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no journal in the directory; want %s, or rotated journals such as decisions-1.jsonl.gz", path, sim.DecisionsFile)
	}
	return names, nil
}

// journalName matches journals, rotated ones too: decisions.jsonl,
// decisions.jsonl.2, decisions-20260105.jsonl.gz.
var journalName = regexp.MustCompile(`^[^.].*\.jsonl([.-][0-9A-Za-z_:-]+)?(\.gz)?$`)

// journalsIn are the journals that lie in a directory itself: of a run only
// its own, not its variants'.
func journalsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, reason(err))
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && journalName.MatchString(e.Name()) {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return withoutCopies(names), nil
}

// withoutCopies drops compressed journals that stand beside their originals,
// as they do while a rotated one is being compressed.
func withoutCopies(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		original, compressed := strings.CutSuffix(name, ".gz")
		return compressed && slices.Contains(names, original)
	})
}

// journalsBelow are all journals of a whole call's directory.
func journalsBelow(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", path, reason(err))
		}
		if entry.IsDir() && path != dir && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir // a set that is being written
		}
		if !entry.IsDir() && journalName.MatchString(entry.Name()) {
			names = append(names, path)
		}
		return nil
	})
	slices.Sort(names)
	return withoutCopies(names), err
}

func openJournal(name string) (io.ReadCloser, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		// A rotated journal may have been compressed since it was listed.
		if compressed, gone := os.Open(name + ".gz"); gone == nil {
			file, err = compressed, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, reason(err))
	}
	return decompressed(name, file)
}

// decompressed reads gzip by its magic number, whatever the name says.
func decompressed(name string, file io.ReadCloser) (io.ReadCloser, error) {
	text, err := result.Unzip(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, reason(err))
	}
	return text, nil
}

// read opens the journal for as long as use lasts.
func (f *journalFile) read(use func(io.Reader) error) (err error) {
	r, err := f.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return use(r)
}

// isJournalPath says whether an argument of explain is meant as a journal and
// not as an object.
func isJournalPath(arg string) bool {
	if arg == stdinPath {
		return true
	}
	_, err := os.Stat(arg)
	return err == nil || strings.Contains(arg, ".jsonl")
}
