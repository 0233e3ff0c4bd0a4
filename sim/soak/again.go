package soak

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// twice plays the case again with its autoscalers in the opposite order.
func twice(ctx context.Context, c *Case, run *Run, play PlayFunc) error {
	again, err := play(ctx, c, true)
	switch {
	case err != nil:
		return err
	case !bytes.Equal(run.Journal, again.Journal):
		return fmt.Errorf("the second journal differs: %s", firstDifference(run.Journal, again.Journal))
	case !bytes.Equal(sorted(run.Series), sorted(again.Series)):
		return fmt.Errorf("the second run's series differ: %s", firstDifference(sorted(run.Series), sorted(again.Series)))
	case run.Digest != again.Digest:
		return fmt.Errorf("digests %s and %s of the same journal", run.Digest, again.Digest)
	}
	return nil
}

// sorted are lines in order: series are published in the order in which their
// autoscalers were given.
func sorted(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	slices.SortFunc(lines, bytes.Compare)
	return bytes.Join(lines, []byte("\n"))
}

func firstDifference(a, b []byte) string {
	first, second := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(first), len(second)) {
		if !bytes.Equal(first[i], second[i]) {
			return fmt.Sprintf("line %d\n  %s\n  %s", i+1, first[i], second[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(first), len(second))
}

// noLookAhead plays the case with another future: until then every decision
// is the same.
func noLookAhead(ctx context.Context, c *Case, run *Run, play PlayFunc) error {
	cut := c.instant(0)
	other, err := play(ctx, c.withFuture(cut), false)
	if err != nil {
		return err
	}
	last := slot.At(c.Scenario.Spec.Start.Add(time.Duration(cut)))
	return sameDecisions(run, other, last, fmt.Sprintf("what comes after %s was changed", cut))
}

// instant chooses a whole second of the case's busy time, another one for each n.
func (c *Case) instant(n uint64) scenario.Duration {
	r := rand.New(rand.NewPCG(c.Seed, n))
	return seconds(r.IntN(max(1, int(time.Duration(c.Calm).Seconds()))))
}

// withFuture is the case with everything changed that happens after an instant.
func (c *Case) withFuture(cut scenario.Duration) *Case {
	out := c.clone()
	spec := &out.Scenario.Spec
	for i := range spec.InputSeries {
		s := &spec.InputSeries[i]
		values := unfold(strings.Fields(s.Values))
		for k := range values {
			if scenario.Duration(k)*spec.Interval > cut {
				values[k] = fmt.Sprint(1000 + k%7)
			}
		}
		s.Values = strings.Join(values, " ")
	}
	for i := range spec.Workloads {
		w := &spec.Workloads[i]
		for k := range w.Demand {
			t := &w.Demand[k]
			switch {
			case t.Step != nil && t.Step.At > cut:
				t.Step.By += 500
			case t.Ramp != nil && t.Ramp.At > cut:
				t.Ramp.By += 500
			case t.Spike != nil && t.Spike.At > cut:
				t.Spike.By += 500
			}
		}
		w.Rollouts = slices.DeleteFunc(w.Rollouts, func(r scenario.Rollout) bool { return r.At > cut })
	}
	spec.Faults = slices.DeleteFunc(spec.Faults, func(f scenario.Fault) bool { return f.At != nil && *f.At > cut })
	spec.Edits = slices.DeleteFunc(spec.Edits, func(e scenario.Edit) bool { return *e.At > cut })
	return out
}

// restarts plays the case with restarts of the controller: before every slot
// and at a few instants, where that is fair. It is not while a slot is tried
// again that is decided later: a slot is decided by the controller that is in
// charge when it falls, or by none (cycle.Autoscalers.Since).
func restarts(ctx context.Context, c *Case, run *Run, play PlayFunc) error {
	out := c.clone()
	faults := &out.Scenario.Spec.Faults
	if c.forgiving(0, c.Scenario.Spec.Duration) {
		always, begin := 1.0, scenario.Duration(0)
		*faults = append(*faults, scenario.Fault{Name: "restart before every slot", At: &begin, Probability: &always, Controller: scenario.ControllerRestart})
	}
	for n := range uint64(3) {
		if at := c.instant(1 + n); c.forgiving(at, at) && !run.deciding(c.Scenario.Spec.Start.Add(time.Duration(at))) {
			*faults = append(*faults, scenario.Fault{Name: fmt.Sprintf("restart at %s (%d)", at, n), At: &at, Controller: scenario.ControllerRestart})
		}
	}
	other, err := play(ctx, out, false)
	if err != nil {
		return err
	}
	return sameDecisions(run, other, c.end(), "the controller was restarted")
}

// forgiving says whether a restart in a time may go unnoticed by what is wrong
// then. A command that did not land is sent again by a new controller, and by
// the old one only decided again; the metrics that a fault freezes are those
// that the controller in charge saw last.
func (c *Case) forgiving(from, to scenario.Duration) bool {
	near := func(begin, end scenario.Duration) bool {
		return to+minutes(2) >= begin && from <= end+minutes(2)
	}
	for _, f := range c.Scenario.Spec.Faults {
		begin, end := scenario.Duration(0), c.Scenario.Spec.Duration
		if f.At != nil {
			begin = *f.At
		}
		if f.For != nil {
			end = begin + *f.For
		}
		if (f.Target != "" || f.Metrics == scenario.MetricsStale) && near(begin, end) {
			return false
		}
	}
	return true
}

// deciding says whether a restart at an instant loses a slot.
func (r *Run) deciding(at time.Time) bool {
	return slices.ContainsFunc(r.Retried, func(retry Retry) bool { return retry.loses(at) })
}

// sameDecisions compares what two runs decided up to a slot; where their lines
// stand in the journal and what was missed does not count.
func sameDecisions(a, b *Run, last slot.Slot, difference string) error {
	first, second := a.until(last), b.until(last)
	for i := range min(len(first), len(second)) {
		if first[i] != second[i] {
			return fmt.Errorf("a decision changed although only %s:\n  %s\n  %s", difference, first[i], second[i])
		}
	}
	if len(first) != len(second) {
		return fmt.Errorf("%d decisions became %d although only %s", len(first), len(second), difference)
	}
	return nil
}

func (r *Run) until(last slot.Slot) []string {
	var lines []string
	for _, s := range r.Steps {
		if s.Record.Slot > last {
			continue
		}
		kept := *s.Record
		kept.Bodies, kept.PolicyBody, kept.StateBody = false, "", ""
		kept.Missed, kept.Chain, kept.Digest = 0, "", ""
		line, _ := journal.Append(nil, &kept)
		text, _, _ := strings.Cut(string(line), `,"digest":`)
		lines = append(lines, text)
	}
	return lines
}
