package fault

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Fault is one of a scenario's faults in a run.
type Fault struct {
	*scenario.Fault
	// From and To bound it, half-open, in Unix milliseconds.
	From, To int64
	// Only is the only object that is hit, if any.
	Only *scenario.Reference

	// Of a fault that hits by chance: the scenario's seed, and the attempts of the
	// last instant.
	seed     int64
	attempts map[operation]attempts
	// leaderless is until when, in Unix milliseconds, nobody decides for an
	// object since a change of leader by chance.
	leaderless map[scenario.Reference]int64

	// Of faults of samples: the only series that are hit, how long a sample counts
	// as current, and which series a partial scrape leaves out, as far as known.
	series   []*labels.Matcher
	lookback int64
	chosen   map[string]bool

	mu sync.Mutex // of attempts and chosen
}

// A Set is the faults of a run. Its decorators may be called concurrently.
type Set struct {
	All []*Fault

	now      func() time.Time
	mu       sync.Mutex
	sampling sampling
	// names are how queries were written, by the text that is asked.
	names map[string][]string
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
	f := &Fault{Fault: declared, From: start, To: end, seed: seed, attempts: map[operation]attempts{}, leaderless: map[scenario.Reference]int64{}, chosen: map[string]bool{}}
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

// read returns the error of the first fault that hits a read of an object now. At
// one instant a read is answered alike however often it is made. kind returns
// what a fault makes such a read fail with, nil for nothing.
func (s *Set) read(object scenario.Reference, call string, kind func(*Fault) error) error {
	now := s.now().UnixMilli()
	return s.strike(kind, func(f *Fault) bool { return f.Hits(now, object, call) })
}

// write does for writes what read does for reads, except that each attempt is
// hit by chance anew until one gets through.
func (s *Set) write(object scenario.Reference, call string, kind func(*Fault) error) error {
	now := s.now().UnixMilli()
	return s.strike(kind, func(f *Fault) bool { return f.hitsAttempt(now, object, call) })
}

// strike returns the error of the first fault of a kind that hits.
func (s *Set) strike(kind func(*Fault) error, hits func(*Fault) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.All {
		if err := kind(f); err != nil && hits(f) {
			return fmt.Errorf("fault %s: %w", f.Name, err)
		}
	}
	return nil
}
