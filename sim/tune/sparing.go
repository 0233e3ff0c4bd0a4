package tune

import (
	"context"
	"math"
	"slices"
)

// An each runs do for 0 to n-1, perhaps at once.
type each func(n int, do func(i int) error) error

// spare returns the parameters of a fold's choice to the current policy's values
// that gain nothing, by the windows that the choice was made by and no others. A
// sampler changes many fields at once, and most of them do not matter.
//
// What a parameter gains is known by playing the choice without it: surely
// something, by the paired parts, and not less than 1 % of what the current policy
// costs and lacks. Those that gain least go first, and what is left is always
// compared with the whole choice, so that small losses do not add up unseen.
func (s *Search) spare(ctx context.Context, choice *Trial, train int, run each) (*Trial, error) {
	whole := *choice
	whole.Values = s.asTheyAre(whole.Values)
	whole.Simpler, whole.Unit = choice.ID, 0
	if err := s.examine(ctx, &whole); err != nil {
		return nil, err
	}
	var changed []int
	for k, v := range whole.Values {
		if v != "" {
			changed = append(changed, k)
		}
	}
	alone := make([]*Trial, len(changed))
	err := run(len(changed), func(i int) error {
		alone[i] = without(&whole, changed[i])
		return s.examine(ctx, alone[i])
	})
	if err != nil {
		return nil, err
	}
	type candidate struct {
		parameter int
		loss      float64
	}
	var dispensable []candidate
	for i, t := range alone {
		if s.dispensable(&whole, t, train) {
			in, current := t.sum(0, train), s.Current.sum(0, train)
			dispensable = append(dispensable, candidate{changed[i], s.loses(&in, &current)})
		}
	}
	slices.SortStableFunc(dispensable, func(a, b candidate) int {
		switch {
		case a.loss < b.loss:
			return -1
		case a.loss > b.loss:
			return 1
		}
		return 0
	})
	best := &whole
	for i, c := range dispensable {
		t := alone[slices.Index(changed, c.parameter)]
		if i > 0 {
			t = without(best, c.parameter)
			if err := s.examine(ctx, t); err != nil {
				return nil, err
			}
		}
		if s.dispensable(&whole, t, train) {
			best = t
		}
	}
	return best, nil
}

// asTheyAre leaves the fields as they are that have the current policy's values.
func (s *Search) asTheyAre(values []string) []string {
	out := slices.Clone(values)
	for k := range out {
		if s.space.current[k] == out[k] {
			out[k] = ""
		}
	}
	return out
}

// without is a trial with a parameter as it is in the current policy.
func without(t *Trial, parameter int) *Trial {
	out := &Trial{Learned: t.Learned, Simpler: t.Simpler, Metric: t.Metric, Values: slices.Clone(t.Values)}
	out.Values[parameter] = ""
	return out
}

// dispensable says whether the whole choice is not surely and noticeably better
// than one with fewer changes that beats the current policy as well.
func (s *Search) dispensable(whole, fewer *Trial, train int) bool {
	if fewer.State == Invalid {
		return false
	}
	current := s.Current.sum(0, train)
	if in := fewer.sum(0, train); !s.beats(&in, &current) {
		return false
	}
	var gains []float64
	s.pairs(fewer, whole, 0, train, func(x, y *Score) {
		gains = append(gains, s.objective(x, y, &current))
	})
	if len(gains) >= 3 {
		gain := differ("", gains)
		return !gain.More() || gain.Mean < material
	}
	x, y := fewer.sum(0, train), whole.sum(0, train)
	return s.loses(&x, &current)-s.loses(&y, &current) < material
}

// objective is how much more a stretch costs, reversals included, and lacks than
// another of the same length, as a share of what the current policy does in a
// stretch of that length.
func (s *Search) objective(x, y, current *Score) float64 {
	share := float64(x.Seconds) / float64(max(current.Seconds, 1))
	relative := func(difference, whole, least float64) float64 {
		if whole = max(whole, least) * share; !(whole > 0) {
			return 0
		}
		return difference / whole
	}
	cost := relative(s.charged(x)-s.charged(y), s.charged(current), 0)
	if len(s.Constraints) > 0 {
		return cost
	}
	// A thousandth of the time counts as something where nothing was lacking.
	lacking := relative(float64(x.Lacking-y.Lacking), float64(current.Lacking), float64(current.Scored)/1000)
	if math.IsNaN(cost + lacking) {
		return 0
	}
	return cost + lacking
}
