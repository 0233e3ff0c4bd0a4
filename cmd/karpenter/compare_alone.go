package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/engine/explain"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/replay"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A verdict is that of a candidate on its own: played on from the count at which
// the journal begins, with the journal as its recording, and measured by what its
// metrics say was needed. What ran is measured by the same.
type verdict struct {
	// Unjudged says why nothing is known; empty where the figures are.
	Unjudged string `json:"unjudged,omitempty"`
	*AloneFigures
}

// AloneFigures compares what a candidate and what ran would have lacked and cost.
type AloneFigures struct {
	// Kind says what it means to have fewer than needed.
	Kind result.Kind `json:"kind"`
	// BreachMinutes is how long there were fewer ready replicas than needed,
	// RanBreachMinutes how long of what ran.
	BreachMinutes    float64 `json:"breachMinutes"`
	RanBreachMinutes float64 `json:"ranBreachMinutes"`
	ReplicaHours     float64 `json:"replicaHours"`
	RanReplicaHours  float64 `json:"ranReplicaHours"`
	// ReadyAfterSeconds is the start-up delay of new replicas.
	ReadyAfterSeconds int64 `json:"readyAfterSeconds"`

	// noise is by how many minutes breaches may differ without a reason.
	noise float64
}

// breaches says whether the candidate has too few replicas for longer than what ran,
// by more than the noise.
func (v *verdict) breaches() bool {
	return v.AloneFigures != nil && v.BreachMinutes > v.RanBreachMinutes+v.noise
}

// journalOf reads an autoscaler's records; counts that are asked for elsewhere
// replace the observed ones.
func journalOf(o *indexedObject, ran ran, elsewhere bool) (*replay.Journal, error) {
	j := &replay.Journal{Object: o.Object}
	err := o.walk(func(_ *journalFile, step *journal.Step) error {
		r := step.Record
		s := replay.JournalSlot{Slot: r.Slot, Spec: math.NaN(), Ready: math.NaN(), All: math.NaN(), Metrics: r.Metrics}
		if r.Scale.Code == observation.OK {
			s.Spec, s.Ready, s.All = float64(r.Scale.Spec), float64(r.Scale.Serving()), float64(r.Scale.Status)
		}
		if elsewhere {
			value, ok, err := ran(r)
			if err != nil {
				return err
			}
			s.Spec, s.Ready, s.All = math.NaN(), math.NaN(), math.NaN()
			if ok {
				s.Spec, s.Ready, s.All = value, value, value
			}
		}
		j.Slots = append(j.Slots, s)
		if step.Policy != nil {
			j.Policy = step.Policy
			j.Longest = max(j.Longest, step.Policy.Interval)
		}
		return nil
	})
	return j, err
}

// alone plays the candidate of a journal on by itself. What makes that
// impossible is the verdict, not an error.
func (a *app) alone(ctx context.Context, o *indexedObject, ran ran, flags *compareFlags) (*verdict, error) {
	j, err := journalOf(o, ran, flags.with != "")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "karpenter-compare-")
	if err != nil {
		return nil, internal(err)
	}
	defer os.RemoveAll(dir)
	file, err := j.Scenario(dir, flags.readyAfter)
	if err != nil {
		return &verdict{Unjudged: reasonOf(err)}, nil
	}
	job, err := runs.Prepare(ctx, file, runs.Options{Version: version()})
	if err != nil {
		return &verdict{Unjudged: reasonOf(err)}, nil
	}
	defer job.Close()
	report, err := job.PlayInto(ctx, filepath.Join(dir, "out"), nil)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return &verdict{Unjudged: reasonOf(err)}, nil
	}
	return verdictOf(report, file, j.Longest), nil
}

// verdictOf takes the figures out of a report; interval is the autoscaler's longest one.
func verdictOf(report *reports.Report, file *scenario.File, interval int32) *verdict {
	alone, recorded := report.Column(reports.Current), report.Column(reports.Recorded)
	breach := alone.Figures.Get("breach_minutes")
	if recorded == nil || math.IsNaN(breach) {
		return &verdict{Unjudged: "what was needed is not known at any time"}
	}
	kind := result.Capacity
	for _, o := range report.Run.Columns[0].Objects {
		for _, y := range o.Yardsticks {
			if y.Kind == result.Target {
				kind = result.Target
			}
		}
	}
	return &verdict{AloneFigures: &AloneFigures{
		Kind:          kind,
		BreachMinutes: breach, RanBreachMinutes: recorded.Figures.Get("breach_minutes"),
		ReplicaHours: alone.Figures.Get("replica_hours"), RanReplicaHours: recorded.Figures.Get("replica_hours"),
		noise:             fleet.Noise(recorded.Figures.Get("breach_episodes"), interval),
		ReadyAfterSeconds: int64(time.Duration(file.Spec.Replay.ReadyAfter.Fixed) / time.Second),
	}}
}

// reasonOf is an error's first line, without a place in files that are gone.
func reasonOf(err error) string {
	if all := manifest.Placed(err); len(all) > 0 {
		return all[0].Message
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// short says what it is to have fewer replicas than needed.
func (v *verdict) short() string {
	if v.Kind == result.Target {
		return "ran above its target"
	}
	return "lacked capacity"
}

// lines are the verdict in a comparison for people.
func (v *verdict) lines() string {
	if v.Unjudged != "" {
		return wrapped("alone, it could not be judged: "+v.Unjudged, "  ", textWidth)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  alone        %s for %s, %s replica-hours\n", v.short(), minutesSpan(v.BreachMinutes), explain.Figure(math.Round(v.ReplicaHours*10)/10))
	fmt.Fprintf(&b, "  what ran     %s for %s, %s replica-hours\n", v.short(), minutesSpan(v.RanBreachMinutes), explain.Figure(math.Round(v.RanReplicaHours*10)/10))
	b.WriteString(wrapped(fmt.Sprintf("Alone, the candidate is played on over the metrics of the journal, with new replicas ready after %s. Both are measured by what its metrics say was needed.",
		span(v.ReadyAfterSeconds)), "  ", textWidth))
	return b.String()
}

// minutesSpan is a number of minutes in words.
func minutesSpan(minutes float64) string { return span(int64(math.Round(minutes * 60))) }
