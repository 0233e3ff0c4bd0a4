package fault

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// A Fault is one of a scenario's faults in a run.
type Fault struct {
	*scenario.Fault
	// From and To bound it, half-open, in Unix milliseconds.
	From, To int64
	// Only is the only object that is hit, if any.
	Only *scenario.Reference

	// draws are the sources of a fault that hits by chance, one an object.
	draws map[scenario.Reference]*rand.Rand
	seed  int64
	// leaderless is until when, in Unix milliseconds, nobody decides for an
	// object since a change of leader by chance.
	leaderless map[scenario.Reference]int64

	// Of faults of samples: the only series that are hit, how long a sample counts
	// as current, and which series a partial scrape leaves out, as far as known.
	series   []*labels.Matcher
	lookback int64
	mu       sync.Mutex
	chosen   map[string]bool
}

// A Set is the faults of a run. Its decorators may be called concurrently.
type Set struct {
	All []*Fault

	now      func() time.Time
	mu       sync.Mutex
	sampling sampling
}

// NewSet returns the faults of a scenario that is valid; now is the run's clock.
func NewSet(spec *scenario.Spec, now func() time.Time) *Set {
	s := &Set{now: now}
	start := spec.Start.UnixMilli()
	end := start + time.Duration(spec.Duration).Milliseconds()
	for i := range spec.Faults {
		s.All = append(s.All, newFault(&spec.Faults[i], spec.Seed, start, end))
	}
	return s
}

func newFault(declared *scenario.Fault, seed, start, end int64) *Fault {
	f := &Fault{Fault: declared, From: start, To: end, seed: seed, draws: map[scenario.Reference]*rand.Rand{}, leaderless: map[scenario.Reference]int64{}, chosen: map[string]bool{}}
	if f.At != nil {
		f.From += time.Duration(*f.At).Milliseconds()
	}
	switch {
	case f.For != nil:
		f.To = min(f.To, f.From+time.Duration(*f.For).Milliseconds())
	case f.Controller == scenario.ControllerRestart && f.Probability == nil, f.Nodes == scenario.NodesLost:
		f.To = f.From
	}
	if f.Object != "" {
		ref, _ := f.Reference() // validated
		f.Only = &ref
	}
	return f
}

// Active says whether the fault can hit an object at an instant, in Unix milliseconds.
func (f *Fault) Active(now int64, object scenario.Reference) bool {
	return now >= f.From && now < f.To && (f.Only == nil || *f.Only == object)
}

// Hits says whether it does hit one operation. Chance is drawn.
func (f *Fault) Hits(now int64, object scenario.Reference) bool {
	if !f.Active(now, object) {
		return false
	}
	if f.Probability == nil || *f.Probability == 1 {
		return true
	}
	source := f.draws[object]
	if source == nil {
		source = world.Random(f.seed, f.Name+" "+object.String())
		f.draws[object] = source
	}
	return source.Float64() < *f.Probability
}

// strike returns the error of the first fault that hits a call about an object
// now. kind returns what a fault makes such a call fail with, nil for nothing.
func (s *Set) strike(object scenario.Reference, kind func(*Fault) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UnixMilli()
	for _, f := range s.All {
		if err := kind(f); err != nil && f.Hits(now, object) {
			return fmt.Errorf("fault %s: %w", f.Name, err)
		}
	}
	return nil
}
