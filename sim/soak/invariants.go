package soak

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A PlayFunc plays a case. Tests put engines in its place that are broken.
type PlayFunc func(ctx context.Context, c *Case, backwards bool) (*Run, error)

// An Invariant is something that is true of every case, or of every run of one.
type Invariant struct {
	Name string
	// Check says what breaks it. run is that of the case itself.
	Check func(ctx context.Context, c *Case, run *Run, play PlayFunc) error
}

// Invariants are all of them, those first that need no second run.
var Invariants = []Invariant{
	{"the journal verifies", onRun(verifies)},
	{"slots go forward on their grid", onRun(forward)},
	{"bounds hold", onRun(bounded)},
	{"never down on missing data", onRun(neverDown)},
	{"rate policies hold", onRun(rateLimited)},
	{"only the autoscaler moves the count", onRun(moved)},
	{"constant demand is met", converges},
	{"a steady demand is never overshot", neverOvershoots},
	{"twice the same bytes", twice},
	{"no look-ahead", noLookAhead},
	{"a restart changes nothing", restarts},
}

func onRun(check func(*Run) error) func(context.Context, *Case, *Run, PlayFunc) error {
	return func(_ context.Context, _ *Case, run *Run, _ PlayFunc) error { return check(run) }
}

// violation says which record breaks an invariant.
func violation(r *journal.Record, format string, args ...any) error {
	return fmt.Errorf("%s at %s: %s", r.Object, r.Slot, fmt.Sprintf(format, args...))
}

// verifies has every record decided again by the engine.
func verifies(run *Run) error {
	found, err := journal.Verify(bytes.NewReader(run.Journal), "decisions.jsonl")
	switch {
	case err != nil:
		return err
	case found.Gaps > 0, found.Torn, found.Unverifiable > 0:
		return fmt.Errorf("%d gaps, %d records that cannot be verified, torn: %t", found.Gaps, found.Unverifiable, found.Torn)
	case found.Records == 0:
		return fmt.Errorf("nothing was decided")
	}
	return nil
}

// forward follows the slots of each object: whole intervals apart, in order.
func forward(run *Run) error {
	last := map[journal.Object]slot.Slot{}
	for _, s := range run.Steps {
		r := s.Record
		if before, ok := last[r.Object]; ok {
			if r.Slot <= before {
				return violation(r, "decided after %s", before)
			}
			if s.Policy != nil && int64(r.Slot-before)%int64(s.Policy.Interval) != 0 {
				return violation(r, "%d s after the slot before, every %d s are due", r.Slot-before, s.Policy.Interval)
			}
		}
		last[r.Object] = r.Slot
	}
	return nil
}

// decided visits the known decisions of autoscalers.
func (r *Run) decided(visit func(*journal.Record, *policy.Autoscaler) error) error {
	for _, s := range r.Steps {
		if s.Record.Kind != journal.HorizontalAutoscaler || !s.Record.Known || s.Policy == nil {
			continue
		}
		if err := visit(s.Record, s.Policy); err != nil {
			return err
		}
	}
	return nil
}

func bounded(run *Run) error {
	return run.decided(func(r *journal.Record, p *policy.Autoscaler) error {
		if r.Paused != (autoscaler.Pause{}) {
			return holds(r)
		}
		if r.Desired < p.Min || r.Desired > p.Max {
			return violation(r, "desired %d is outside [%d, %d]", r.Desired, p.Min, p.Max)
		}
		return nil
	})
}

// holds says what a pause let through.
func holds(r *journal.Record) error {
	p := &r.Paused
	switch {
	case p.Fixed && r.Desired != p.Replicas:
		return violation(r, "desired %d, though paused at %d", r.Desired, p.Replicas)
	case p.Down && r.Desired < r.Scale.Spec, p.Up && r.Desired > r.Scale.Spec:
		return violation(r, "from %d to %d, though that way is paused", r.Scale.Spec, r.Desired)
	}
	return nil
}

// neverDown lets nothing but an edited bound, or a fallback that may, lower the
// count beside a metric that failed.
func neverDown(run *Run) error {
	return run.decided(func(r *journal.Record, p *policy.Autoscaler) error {
		for i := range r.Metrics {
			code, f := r.Metrics[i].Code, p.Metrics[i].Fallback
			if code == observation.OK || r.Desired >= min(r.Scale.Spec, p.Max) || r.Paused.Fixed {
				continue
			}
			if !r.Metrics[i].Fallback || !f.AllowScaleDown || r.Desired < f.Replicas {
				return violation(r, "from %d to %d although metric %d is %s", r.Scale.Spec, r.Desired, i, code)
			}
		}
		return nil
	})
}

// moved wants each observed count to be the one before, or the one commanded.
func moved(run *Run) error {
	type counts struct{ seen, commanded int32 }
	last := map[journal.Object]counts{}
	return run.decided(func(r *journal.Record, p *policy.Autoscaler) error {
		before, ok := last[r.Object]
		if spec := r.Scale.Spec; ok && spec != before.seen && spec != before.commanded {
			return violation(r, "found %d; it was %d and %d was commanded", spec, before.seen, before.commanded)
		}
		last[r.Object] = counts{r.Scale.Spec, r.Desired}
		if p.DryRun {
			last[r.Object] = counts{r.Scale.Spec, r.Scale.Spec}
		}
		return nil
	})
}

// converges wants the last decision of a policy whose metrics do not depend on
// the replicas to be what they ask for, or on the way there as fast as its rate
// policies allow.
func converges(_ context.Context, c *Case, run *Run, _ PlayFunc) error {
	if c.Calm+scenario.Duration(calmFor) > c.Scenario.Spec.Duration {
		return nil // not calm for long enough to say
	}
	steps := map[journal.Object][]*journal.Step{}
	for _, s := range run.Steps {
		if s.Record.Kind == journal.HorizontalAutoscaler {
			steps[s.Record.Object] = append(steps[s.Record.Object], s)
		}
	}
	for _, s := range run.Steps {
		of := steps[s.Record.Object]
		if len(of) == 0 || of[len(of)-1] != s {
			continue
		}
		if err := settled(of, c.end()); err != nil {
			return err
		}
	}
	return nil
}

func (c *Case) end() slot.Slot {
	return slot.At(c.Scenario.Spec.Start.Add(time.Duration(c.Scenario.Spec.Duration)))
}

// exogenous says whether a query's value owes nothing to what was decided.
func exogenous(query string) bool { return strings.Contains(query, "load_") }

// settled judges the last decision of an autoscaler.
func settled(steps []*journal.Step, end slot.Slot) error {
	last := steps[len(steps)-1]
	r, p := last.Record, last.Policy
	if !r.Known {
		return violation(r, "the last decision has no target: %s", r.Reason)
	}
	if int64(end-r.Slot) > int64(p.Interval) {
		return violation(r, "no decision in the last %d s", end-r.Slot)
	}
	for i := range r.Metrics {
		if !exogenous(r.Metrics[i].Query) || p.Metrics[i].Type != policy.AverageValue {
			return nil
		}
		if code := r.Metrics[i].Code; code != observation.OK {
			return violation(r, "metric %d is still %s", i, code)
		}
	}
	want := asked(r, p)
	if p.DryRun || r.Desired == want || r.Reason == autoscaler.RateLimited || r.Reason == autoscaler.Disabled {
		return nil
	}
	low, high := want, want
	for _, s := range steps {
		if s.Record.Known && r.Slot-s.Record.Slot < slot.Slot(p.Window()) {
			low, high = min(low, asked(s.Record, p)), max(high, asked(s.Record, p))
		}
	}
	if r.Reason == autoscaler.Stabilized && low <= r.Desired && r.Desired <= high {
		return nil // nodes come and go, and the tolerance with them
	}
	return violation(r, "desired %d (%s), but what the metrics have asked for all along is %d to %d", r.Desired, r.Reason, low, high)
}

// asked returns what metrics in all say that do not depend on the replicas.
func asked(r *journal.Record, p *policy.Autoscaler) int32 {
	want := int32(0)
	for i := range r.Metrics {
		value, target := r.Metrics[i].Value, p.Metrics[i].Target
		replicas := int32(math.Ceil(value/target - 1e-6))
		// The tolerance is on what serves, which nodes that do not boot keep
		// below what was asked for.
		off := value/(target*float64(r.Scale.Status)) - 1
		if off <= p.Up.Tolerance+1e-6 && off >= -p.Down.Tolerance-1e-6 {
			replicas = r.Scale.Spec
		}
		want = max(want, replicas)
	}
	return min(max(want, p.Min), p.Max)
}
