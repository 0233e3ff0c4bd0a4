package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A change is one of a target's spec.replicas.
type change struct{ From, To int32 }

// A decision is a change that was committed.
type decision struct {
	slot slot.Slot
	change
	// outcome is empty where a kill came before it was written.
	outcome string
}

// journals are what all lives of all processes wrote.
type journals struct {
	t     *testing.T
	files []*life
}

// A life is one file: a process writes no more than one before it ends.
type life struct {
	path        string
	first, last slot.Slot
	records     map[string][]*journal.Record // by the name of the object
	outcomes    map[string]map[slot.Slot]string
}

// readJournals reads directories. Every file must verify.
func readJournals(t *testing.T, directories ...string) *journals {
	t.Helper()
	j := &journals{t: t}
	for _, directory := range directories {
		paths, err := filepath.Glob(filepath.Join(directory, "*.jsonl*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text := read(t, path)
			found, err := journal.Verify(bytes.NewReader(text), path)
			if err != nil || found.Gaps > 0 || found.Verified != found.Records {
				t.Errorf("%s: %+v, %v", path, found, err)
			}
			if found.Records > 0 {
				j.files = append(j.files, readLife(text, path))
			}
		}
	}
	slices.SortFunc(j.files, func(a, b *life) int { return int(a.first - b.first) })
	return j
}

func readLife(text []byte, path string) *life {
	l := &life{path: path, first: math.MaxInt64, records: map[string][]*journal.Record{}, outcomes: map[string]map[slot.Slot]string{}}
	lines := journal.NewReader(bytes.NewReader(text), path)
	for line, err := lines.Next(); err == nil; line, err = lines.Next() {
		if o := line.Outcome; o != nil {
			if l.outcomes[o.Name] == nil {
				l.outcomes[o.Name] = map[slot.Slot]string{}
			}
			l.outcomes[o.Name][o.Slot] = o.Result
		}
		if r := line.Record; r != nil {
			l.records[r.Name] = append(l.records[r.Name], r)
			l.first, l.last = min(l.first, r.Slot), max(l.last, r.Slot)
		}
	}
	return l
}

// checkSuccession has nobody decide anything after a successor has begun, and
// each begin where the one before left off.
func (j *journals) checkSuccession(names []string) {
	j.t.Helper()
	for i := 1; i < len(j.files); i++ {
		if before, after := j.files[i-1], j.files[i]; before.last >= after.first {
			j.t.Errorf("%s decided slot %s, %s before it had got to %s", after.path, after.first, before.path, before.last)
		}
	}
	for _, name := range names {
		var before *journal.Record
		for _, l := range j.files {
			for i, r := range l.records[name] {
				switch {
				case before == nil:
				case r.Slot <= before.Slot:
					j.t.Errorf("%s: slot %s was decided twice", name, r.Slot)
				case r.Prev != before.State && (i > 0 || !j.state(r).Decided()):
					// Only a kill can swallow the record of a commit, and even
					// then nothing is forgotten as a whole.
					j.t.Errorf("%s at %s does not continue what was known at %s", name, r.Slot, before.Slot)
				}
				before = r
			}
		}
	}
}

func (j *journals) state(r *journal.Record) *autoscaler.State {
	j.t.Helper()
	state := &autoscaler.State{}
	if err := state.UnmarshalText([]byte(r.StateBody)); err != nil {
		j.t.Fatal(err)
	}
	return state
}

// decisions are all changes of an object that were committed: those that were
// recorded, and those that a kill came between, which the next state tells of.
func (j *journals) decisions(name string) []decision {
	j.t.Helper()
	var found []decision
	known := map[slot.Slot]bool{}
	for _, l := range j.files {
		for _, r := range l.records[name] {
			if r.Bodies {
				last := j.state(r).Last
				if last.Pending() && !known[last.Slot] {
					found = append(found, decision{slot: last.Slot, change: change{last.From, last.To}})
					known[last.Slot] = true
				}
			}
			if r.Known && r.Desired != r.Scale.Spec && !r.DryRun {
				found = append(found, decision{r.Slot, change{r.Scale.Spec, r.Desired}, l.outcomes[name][r.Slot]})
				known[r.Slot] = true
			}
		}
	}
	return found
}

// landed are the decisions that reached the target: whoever looked at it next
// says what was there. Only a kill may keep one from it, and nobody else scales.
func (j *journals) landed(name string) []decision {
	j.t.Helper()
	var landed []decision
	decisions := j.decisions(name)
	for i, d := range decisions {
		seen, known := j.seen(name, d.slot)
		if i+1 < len(decisions) {
			// It may have no record of its own.
			seen, known = decisions[i+1].From, true
		}
		switch {
		case known && seen == d.To, !known && d.outcome == cycle.Applied:
			landed = append(landed, d)
		case d.outcome != "" || known && seen != d.From:
			j.t.Errorf("%s at %s: %d to %d ended with %q, then there were %d", name, d.slot, d.From, d.To, d.outcome, seen)
		case !j.lastOfLife(name, d.slot):
			j.t.Errorf("%s at %s: %d to %d was never sent", name, d.slot, d.From, d.To)
		}
	}
	return landed
}

// seen is what the first record after a slot saw of the target.
func (j *journals) seen(name string, after slot.Slot) (replicas int32, known bool) {
	for _, l := range j.files {
		for _, r := range l.records[name] {
			if r.Slot > after && r.Scale.Code == observation.OK {
				return r.Scale.Spec, true
			}
		}
	}
	return 0, false
}

// around are an object's records of the ten seconds before a slot.
func (j *journals) around(name string, at slot.Slot) string {
	var lines []byte
	for _, l := range j.files {
		for _, r := range l.records[name] {
			if at-10 <= r.Slot && r.Slot <= at {
				lines, _ = journal.Append(append(lines, filepath.Base(l.path)+" "...), r)
			}
		}
	}
	return string(lines)
}

// lastOfLife says whether the life that decided a slot got no further.
func (j *journals) lastOfLife(name string, s slot.Slot) bool {
	for _, l := range j.files {
		if records := l.records[name]; len(records) > 0 && records[0].Slot <= s && s < records[len(records)-1].Slot {
			return false
		}
	}
	return true
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return content
	}
	zipped, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zipped)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
