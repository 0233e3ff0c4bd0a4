package sim

import (
	"context"
	"time"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// fidelityOf returns how the current policy, replayed, compares with what ran; nil
// where nothing recorded says.
func fidelityOf(current *Result) *result.Fidelity {
	out := &result.Fidelity{}
	for i := range current.Objects {
		o := &current.Objects[i]
		if o.Fidelity == nil || o.Fidelity.Slots == 0 {
			continue
		}
		out.Objects = append(out.Objects, result.ObjectFidelity{
			Object: o.Journal.String(), Agreement: agreement(o.Fidelity),
			ReplicaDependent: o.Fidelity.Depends, OtherAutoscaler: o.Fidelity.Other, Unfaithful: o.Fidelity.Unfaithful(),
		})
	}
	if len(out.Objects) == 0 {
		return nil
	}
	out.Agreement = agreement(fidelityInAll(current))
	return out
}

func agreement(f *Fidelity) result.Agreement {
	return result.Agreement{
		Percent: f.Percent(), Slots: f.Slots, Changes: f.Changes, Matched: f.Matched, Invented: f.Invented,
		MeanError: f.MeanError(), MeanRecorded: f.Recorded / float64(f.Slots),
	}
}

// fidelityInAll returns the fidelity of all objects.
func fidelityInAll(current *Result) *Fidelity {
	var all Fidelity
	for i := range current.Objects {
		if f := current.Objects[i].Fidelity; f != nil {
			all.Add(f)
		}
	}
	return &all
}

// startUps are the start-up delays that are tried where a replay is not what ran.
var startUps = []time.Duration{
	0, 15 * time.Second, 30 * time.Second, 45 * time.Second, time.Minute, 90 * time.Second,
	2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute, 7 * time.Minute, 10 * time.Minute,
}

// scrapeIntervals has the intervals of the controller that are tried there: none, as HPA
// has it, the default of the controller, and what others set.
var scrapeIntervals = []time.Duration{0, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}

// wellFit is the percentage of slots from which on nothing else is tried.
const wellFit = 99

// fit plays the current policy as a controller that multiplies by status.replicas, and
// notes how that compares if it is what ran. Else with other start-up delays, and as a controller that
// takes samples for older or younger, and notes the one thing that brings it nearest to
// what ran: nothing where the run's own does, or where no metric depends on the replicas.
func (s *Simulation) fit(ctx context.Context, current *Result, noted *result.Fidelity) error {
	best := fidelityInAll(current)
	if s.File.Spec.Replay == nil || !best.Depends || best.Slots == 0 || best.Percent() >= wellFit {
		return nil
	}
	play := func(o Options) (*Result, error) {
		o.Manifests, o.Decisions, o.Fidelity = s.Columns[0].Manifests, func(*journal.Record) {}, true
		return s.Input.Play(ctx, s.Columns[0].Autoscalers, o)
	}
	played, err := play(Options{StatusMultiplies: true})
	if err != nil {
		return err
	}
	if fidelityInAll(played).Percent() >= wellFit {
		// The world is right, and another controller ran in it.
		*noted = *fidelityOf(played)
		noted.StatusMultiplies = &result.StatusMultiplied{ReadyPercent: best.Percent()}
		return nil
	}
	try := func(o Options) (better bool, err error) {
		played, err := play(o)
		if err != nil {
			return false, err
		}
		f := fidelityInAll(played)
		if better = fitsBetter(f, best); better {
			best = f
		}
		return better, nil
	}
	for _, delay := range startUps {
		switch better, err := try(Options{ReadyAfter: &delay}); {
		case err != nil:
			return err
		case better:
			noted.StartUp = &result.StartUpFit{Delay: scenario.Duration(delay).String(), Percent: best.Percent()}
		}
	}
	for _, interval := range scrapeIntervals {
		switch better, err := try(Options{ScrapeInterval: &interval}); {
		case err != nil:
			return err
		case better:
			noted.StartUp = nil
			noted.ScrapeInterval = &result.ScrapeIntervalFit{Interval: scenario.Duration(interval).String(), Percent: best.Percent()}
		}
	}
	return nil
}

// fitsBetter says whether one replay is nearer to what ran than another: by its
// decisions, then by how far it decides from it, then by the ready replicas.
func fitsBetter(a, b *Fidelity) bool {
	switch {
	case a.Agreed != b.Agreed:
		return a.Agreed > b.Agreed
	case a.Difference != b.Difference:
		return a.Difference < b.Difference
	}
	return a.ReadyDifference < b.ReadyDifference
}
