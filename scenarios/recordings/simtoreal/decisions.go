package simtoreal

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// A Trial is how a Deployment under our controller, and its like under the
// HorizontalPodAutoscaler, moved under the same load and policy.
type Trial struct {
	// Interval is the one of both controllers, ReadyAfter the start-up of pods, in seconds.
	Interval, ReadyAfter int
	// ScrapeInterval is that of the metrics in seconds, as our controller was told.
	ScrapeInterval int
	// Namespace is that of ours.
	Namespace string
	// End is when the recording ends, in Unix seconds.
	End float64
	// Ours and HPA are the counts asked for, as watched.
	Ours, HPA Steps
	// Asked are the instants at which the HPA controller read the metric.
	Asked []float64
}

// The files of a trial's directory.
const (
	TrialFile     = "trial.json"
	PolicyFile    = "ours.yaml"
	RecordingFile = "recording.om.gz"
	JournalFile   = "live.jsonl.gz"
)

// A Decisions compares a trial's decisions.
type Decisions struct {
	Name string
	// Slots were decided both live and in the replay, Equal of them alike.
	Slots, Equal int
	// Changes has the changes of the live controller and of the closed loop; Close have
	// the other's count within one slot and one replica.
	Changes, Close int
	// Apart is the largest distance of ours from the HPA, in replicas, and
	// ApartSeconds for how long they were apart at all.
	Apart, ApartSeconds int
	// Ticks are the decisions of the HPA, Alike those whose count ours decides in
	// the closed loop at the same instants; Residual is the largest distance of the others.
	Ticks, Alike, Residual int
}

// A decision is a count wanted at a slot, in Unix seconds.
type decision struct {
	slot    int64
	desired int
}

// CompareDecisions compares a trial's directory. It writes into work.
func CompareDecisions(directory, work string, karpenter Karpenter) (Decisions, error) {
	d := Decisions{Name: filepath.Base(directory)}
	var trial Trial
	if err := Read(filepath.Join(directory, TrialFile), &trial); err != nil {
		return d, err
	}
	live, err := readJournal(filepath.Join(directory, JournalFile))
	if err != nil {
		return d, err
	}
	policy, recording := filepath.Join(directory, PolicyFile), filepath.Join(directory, RecordingFile)
	replayed := filepath.Join(work, d.Name+"-replay")
	if _, err := karpenter("replay", "--quiet", "--name", "run", "--scrape-interval", fmt.Sprintf("%ds", trial.ScrapeInterval), "-f", policy, "--recording", recording, "--out", replayed); err != nil {
		return d, err
	}
	replay, err := readJournal(filepath.Join(replayed, "run", "decisions.jsonl"))
	if err != nil {
		return d, err
	}
	d.Slots, d.Equal = equalSlots(live, replay)

	loop, err := trial.closedLoop(directory, work, d.Name+"-loop", "hashed", live[0].slot, karpenter)
	if err != nil {
		return d, err
	}
	d.Changes, d.Close = closeChanges(live, loop, trial.Interval)

	d.Apart, d.ApartSeconds = trial.apart(float64(live[0].slot))
	aligned, err := trial.closedLoop(directory, work, d.Name+"-aligned", "aligned", int64(math.Round(trial.Asked[0])), karpenter)
	if err != nil {
		return d, err
	}
	d.Ticks, d.Alike, d.Residual = trial.alike(aligned)
	return d, nil
}

// closedLoop plays ours over the recorded load: pods, counts and slots are simulated.
func (t *Trial) closedLoop(directory, work, name, phase string, from int64, karpenter Karpenter) ([]decision, error) {
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return nil, err
	}
	scenario := fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: run}
spec:
  description: The recorded load drives a simulated Deployment.
  seed: 1
  start: %q
  duration: %ds
  controller: {phase: %s, scrapeInterval: %ds}
  prometheus: {scrapeInterval: 5s}
  manifests: [%q]
  recordings: [{file: %q}]
  targets: [{apiVersion: apps/v1, kind: Deployment, namespace: %s, name: web, replicas: %d, readyAfter: %ds}]
`, time.Unix(from, 0).UTC().Format(time.RFC3339), int64(t.End)-from, phase, t.ScrapeInterval,
		filepath.Join(absolute, PolicyFile), filepath.Join(absolute, RecordingFile), t.Namespace, int(t.Ours[0][1]), t.ReadyAfter)
	out := filepath.Join(work, name)
	file := out + ".yaml"
	if err := os.WriteFile(file, []byte(scenario), 0o644); err != nil {
		return nil, err
	}
	if _, err := karpenter("simulate", "--quiet", file, "--out", out); err != nil {
		return nil, err
	}
	return readJournal(filepath.Join(out, "run", "decisions.jsonl"))
}

// equalSlots counts the slots that both decided, and those decided alike.
func equalSlots(live, replay []decision) (slots, equal int) {
	wanted := map[int64]int{}
	for _, d := range live {
		wanted[d.slot] = d.desired
	}
	for _, d := range replay {
		if desired, decided := wanted[d.slot]; decided {
			slots++
			if desired == d.desired {
				equal++
			}
		}
	}
	return slots, equal
}

// closeChanges counts the changes of both, and those where the other has the count
// within one replica at the slot or one beside it.
func closeChanges(a, b []decision, interval int) (changes, near int) {
	for _, pair := range [][2][]decision{{a, b}, {b, a}} {
		other := map[int64]int{}
		for _, d := range pair[1] {
			other[d.slot] = d.desired
		}
		for i := 1; i < len(pair[0]); i++ {
			d := pair[0][i]
			if d.desired == pair[0][i-1].desired {
				continue
			}
			changes++
			for _, beside := range []int64{0, -1, 1} {
				if n, decided := other[d.slot+beside*int64(interval)]; decided && max(n-d.desired, d.desired-n) <= 1 {
					near++
					break
				}
			}
		}
	}
	return changes, near
}

// apart is how far ours and the HPA were from each other, second by second.
func (t *Trial) apart(from float64) (largest, seconds int) {
	for at := from; at < t.End; at++ {
		ours, hpa := t.Ours.At(at), t.HPA.At(at)
		if ours != hpa {
			seconds++
		}
		largest = max(largest, ours-hpa, hpa-ours)
	}
	return largest, seconds
}

// alike compares the HPA's decisions with ours at the same instants. The HPA's are
// seen two seconds later, when their writes are done.
func (t *Trial) alike(aligned []decision) (ticks, alike, residual int) {
	for k, at := range t.Asked {
		if k >= len(aligned) {
			break
		}
		ticks++
		hpa := t.HPA.At(at + 2)
		if hpa == aligned[k].desired {
			alike++
		}
		residual = max(residual, hpa-aligned[k].desired, aligned[k].desired-hpa)
	}
	return ticks, alike, residual
}

// readJournal reads the decisions of a journal of one object.
func readJournal(path string) ([]decision, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, ".gz") {
		packed, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if text, err = io.ReadAll(packed); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	var decisions []decision
	reader := journal.NewReader(bytes.NewReader(text), path)
	for {
		line, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF) && len(decisions) > 0:
			return decisions, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if r := line.Record; r != nil {
			decisions = append(decisions, decision{int64(r.Slot), int(r.Desired)})
		}
	}
}
