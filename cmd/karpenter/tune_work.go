package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/tune"
)

// A work keeps the units that are done in the output's directory, which may be all
// that outlives the process, so that a killed search can go on.
type work struct {
	dir    string
	search *tune.Search
	mu     sync.Mutex
	file   *os.File
	units  map[int][]tune.Trial
}

// Names of work under way.
const (
	workDir    = ".karpenter-search"
	workAbout  = "search.json"
	workTrials = "units.jsonl"
)

// tuneOutput is the kind of directory that a search writes.
var tuneOutput = output.Options{Kind: output.Reports, Work: workDir}

// workAboutFile says which search work belongs to.
type workAboutFile struct {
	Digest string `json:"digest"`
	Shard  string `json:"shard"`
}

// checkWork refuses to begin anew over a killed search, which may have taken hours.
func (t *tuner) checkWork(out *output.Dir) error {
	if t.flags.resume {
		return nil
	}
	dir := out.Path(workDir)
	text, err := os.ReadFile(filepath.Join(dir, workTrials))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it had not come to anything
	}
	if err != nil {
		return fmt.Errorf("--out %s: %w", t.flags.out, err)
	}
	done := 0
	for line := range bytes.Lines(text) {
		if _, ok := doneLine(line); ok {
			done++
		}
	}
	if done == 0 {
		return nil
	}
	return fmt.Errorf("--out %s: a search that was killed left %s of work there; add --resume to go on, name another directory, or remove %s to begin anew",
		t.flags.out, counted(done, "finished unit"), dir)
}

// openWork begins work towards an output, or takes up what is there.
func (t *tuner) openWork(out *output.Dir, part tune.Shard) (*work, error) {
	w := &work{dir: out.Path(workDir), search: t.search, units: map[int][]tune.Trial{}}
	about := workAboutFile{t.digest, part.String()}
	if t.flags.resume {
		if err := w.load(about); err != nil {
			return nil, fmt.Errorf("--resume: %w", err)
		}
		t.note("resumed: %d of %d units are done", len(w.units), t.search.Units())
	} else if err := w.remove(); err != nil {
		return nil, internal(err)
	}
	if err := w.rewrite(about); err != nil {
		return nil, internal(err)
	}
	return w, nil
}

// load reads what is done. Nothing there is nothing done.
func (w *work) load(about workAboutFile) error {
	text, err := os.ReadFile(filepath.Join(w.dir, workAbout))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var found workAboutFile
	if err := json.Unmarshal(text, &found); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(w.dir, workAbout), err)
	}
	if found != about {
		return errors.New("what was begun is another search or another shard; name another directory, or remove " + w.dir + " to begin anew")
	}
	if text, err = os.ReadFile(filepath.Join(w.dir, workTrials)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Only units that were written to their ends count.
	var unit []byte
	for line := range bytes.Lines(text) {
		if n, done := doneLine(line); done {
			trials, err := w.search.Decode(unit)
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(w.dir, workTrials), err)
			}
			w.units[n], unit = trials, nil
			continue
		}
		unit = append(unit, line...)
	}
	return nil
}

// doneLine recognizes the line after a unit's trials.
func doneLine(line []byte) (unit int, ok bool) {
	_, err := fmt.Sscanf(string(line), "{\"done\":%d}\n", &unit)
	return unit, err == nil
}

// rewrite begins the files anew with the units that are done.
func (w *work) rewrite(about workAboutFile) error {
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return err
	}
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, workAbout), append(text, '\n'), 0o644); err != nil {
		return err
	}
	fresh := filepath.Join(w.dir, workTrials+".new")
	if w.file, err = os.Create(fresh); err != nil {
		return err
	}
	for unit := range w.search.Units() {
		if trials, ok := w.units[unit+1]; ok {
			if err := w.write(unit+1, trials); err != nil {
				return err
			}
		}
	}
	return os.Rename(fresh, filepath.Join(w.dir, workTrials))
}

func (w *work) write(unit int, trials []tune.Trial) error {
	text, err := w.search.Encode(trials)
	if err != nil {
		return err
	}
	_, err = w.file.Write(fmt.Appendf(text, "{\"done\":%d}\n", unit))
	return err
}

// done says whether a unit needs no more work.
func (w *work) done(unit int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.units[unit]
	return ok
}

// add keeps a finished unit.
func (w *work) add(unit int, trials []tune.Trial) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.units[unit] = trials
	if err := w.write(unit, trials); err != nil {
		return internal(err)
	}
	return nil
}

// trials returns the trials of all units that are done, in the order of units.
func (w *work) trials() []tune.Trial {
	var all []tune.Trial
	for unit := 1; unit <= w.search.Units(); unit++ {
		all = append(all, w.units[unit]...)
	}
	return all
}

// close leaves the work where it is.
func (w *work) close() { w.file.Close() }

// abandon keeps the work of a search that was interrupted or met an error of
// ours, for --resume, and drops that of one that cannot succeed.
func (w *work) abandon(ctx context.Context, err error) error {
	var status *statusError
	if ctx.Err() != nil || errors.As(err, &status) {
		return err
	}
	return errors.Join(err, w.remove())
}

// remove drops work that has become an output, and nothing that somebody else put
// there.
func (w *work) remove() error {
	var errs []error
	for _, name := range []string{workTrials + ".new", workTrials, workAbout, ""} {
		if err := os.Remove(filepath.Join(w.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// A countdown shows how many of many things are done, and the time that is
// left, on a terminal only.
type countdown struct{ bar *progressbar.ProgressBar }

func (a *app) newCountdown(what string, n int) *countdown {
	file, terminal := terminalOf(a.stderr)
	if a.quiet || !terminal || n == 0 {
		return &countdown{}
	}
	return &countdown{progressbar.NewOptions(n,
		progressbar.OptionSetWriter(file), progressbar.OptionSetDescription(what), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(20), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond))}
}

func (c *countdown) step() {
	if c.bar != nil {
		c.bar.Add(1)
	}
}

func (c *countdown) close() {
	if c.bar != nil {
		c.bar.Finish()
	}
}
