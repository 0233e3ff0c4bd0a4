// Package audits keeps an audit of live autoscalers in a directory, object by object, so
// that one that did not come to its end can go on.
package audits

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim/output"
)

// Files of the directory.
const (
	begunFile    = "begun.json"
	findingsFile = "findings.jsonl"
	// ReportFile has the audit that came to its end, as JSON.
	ReportFile = "audit.json"
	// objects is the directory of the objects as they were when the audit began.
	objects = "objects"
)

// Begun says what an audit was begun with.
type Begun struct {
	Version int `json:"version"`
	// Command began it.
	Command string `json:"command"`
	// Flags tell audits apart: all that figures depend on.
	Flags string `json:"flags"`
	// From and To bound what is judged.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Objects are the manifests of the objects, relative to the directory.
	Objects []string `json:"objects"`
	// Unlisted are rows of what could not be listed or read.
	Unlisted []fleet.Finding `json:"unlisted,omitempty"`
}

// A State is an audit in its directory. It is safe for concurrent use; Close has to be
// called.
type State struct {
	Begun

	dir  string
	out  *output.Dir
	file *os.File

	mu    sync.Mutex
	found map[string]fleet.Finding
}

const stateVersion = 1

// Unfinished says whether a directory holds an audit that did not come to its end, and
// how it was begun.
func Unfinished(dir string) (*Begun, bool) {
	b, err := readBegun(dir)
	if err != nil {
		return nil, false
	}
	_, err = os.Stat(filepath.Join(dir, ReportFile))
	return b, errors.Is(err, fs.ErrNotExist)
}

// Check says what would keep an audit from being written to a directory.
func Check(dir string) error { return output.Check(dir, output.Options{Kind: output.Audit}) }

func readBegun(dir string) (*Begun, error) {
	if !output.Listed(dir, begunFile) {
		return nil, errors.New("holds no audit to go on with")
	}
	text, err := os.ReadFile(filepath.Join(dir, begunFile))
	if err != nil {
		return nil, err
	}
	b := &Begun{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("%s: %w", begunFile, err)
	}
	if b.Version != stateVersion {
		return nil, fmt.Errorf("%s: version %d; this program reads %d", begunFile, b.Version, stateVersion)
	}
	return b, nil
}

// Begin writes the state of a new audit with manifests of its objects, by names with
// slashes. It takes the place of an audit that came to its end.
func Begin(dir string, b Begun, manifests map[string][]byte) (_ *State, err error) {
	out, err := output.Open(dir, output.Options{Kind: output.Audit})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, out.Close())
		}
	}()
	b.Version, b.Objects = stateVersion, nil
	files := map[string][]byte{findingsFile: nil}
	for _, name := range slices.Sorted(maps.Keys(manifests)) {
		path := objects + "/" + name
		files[path] = manifests[name]
		b.Objects = append(b.Objects, path)
	}
	if files[begunFile], err = json.MarshalIndent(&b, "", " "); err != nil {
		return nil, err
	}
	for name, text := range files {
		path := filepath.Join(out.Set(), filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
			return nil, err
		}
	}
	if err := out.Commit(); err != nil {
		return nil, err
	}
	return open(dir, &b, out)
}

// Resume opens the state of an audit that was begun with the same flags.
func Resume(dir, flags string) (_ *State, err error) {
	b, err := readBegun(dir)
	if err != nil {
		return nil, err
	}
	if b.Flags != flags {
		return nil, fmt.Errorf("was begun with other flags: %s; give the same ones, or name another directory", b.Command)
	}
	out, err := output.Open(dir, output.Options{Kind: output.Audit, Amend: true})
	if err != nil {
		return nil, err
	}
	s, err := open(dir, b, out)
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return s, nil
}

// open reads the findings so far and goes on after the last whole one. Those of objects
// that Prometheus did not answer for are looked for again.
func open(dir string, b *Begun, out *output.Dir) (*State, error) {
	s := &State{Begun: *b, dir: dir, out: out, found: map[string]fleet.Finding{}}
	text, err := os.ReadFile(out.Path(findingsFile))
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	lines := bufio.NewScanner(bytes.NewReader(text[:whole]))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		var f fleet.Finding
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", findingsFile, n, err)
		}
		if !f.Unread {
			s.found[f.Object] = f
		}
	}
	if s.file, err = os.OpenFile(out.Path(findingsFile), os.O_WRONLY, 0); err != nil {
		return nil, err
	}
	if err := s.file.Truncate(int64(whole)); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	_, err = s.file.Seek(int64(whole), 0)
	return s, err
}

// Manifests are the paths of the objects' manifests.
func (s *State) Manifests() []string {
	var paths []string
	for _, name := range s.Objects {
		paths = append(paths, filepath.Join(s.dir, filepath.FromSlash(name)))
	}
	return paths
}

// Finding returns what was found of an object, by its name in the audit.
func (s *State) Finding(object string) (fleet.Finding, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.found[object]
	return f, ok
}

// Add keeps a finding.
func (s *State) Add(f *fleet.Finding) error {
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err = s.file.Write(append(line, '\n'))
	return err
}

// Finish keeps the audit that came to its end.
func (s *State) Finish(a *fleet.Audit) error {
	text, err := a.JSON()
	if err != nil {
		return err
	}
	if err := s.out.Claim(ReportFile); err != nil {
		return err
	}
	return output.Replace(s.out.Path(ReportFile), text)
}

// Close frees the directory for other processes.
func (s *State) Close() error { return errors.Join(s.file.Close(), s.out.Close()) }
