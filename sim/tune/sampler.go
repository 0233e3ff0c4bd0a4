package tune

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
)

// maxGrid bounds the candidates of a grid.
const maxGrid = 1_000_000

// plan lays out the candidates of Grid and Random, and refuses a space in which
// no policy is valid.
func (s *Search) plan() error {
	switch s.Sampler {
	case Grid:
		if err := s.planGrid(); err != nil {
			return err
		}
	case Random:
		for i := range s.Trials {
			s.planned = append(s.planned, s.draw(uint64(i)))
		}
	case CMAES:
		return s.valid(s.probes())
	default:
		return fmt.Errorf("unknown sampler %q; allowed: %s, %s, %s", s.Sampler, Grid, Random, CMAES)
	}
	return s.valid(s.planned)
}

// valid refuses a space in which no candidate is a valid policy.
func (s *Search) valid(candidates [][]string) error {
	why := ""
	for _, values := range candidates {
		because := s.space.check(values)
		if because == "" {
			return nil
		}
		if why == "" {
			why = because
		}
	}
	return fmt.Errorf("none of %d candidates is a valid policy, e.g. %s: %s", len(candidates), s.assignment(candidates[0]), why)
}

// assignment shows a candidate in one line.
func (s *Search) assignment(values []string) string {
	text := ""
	for i, v := range values {
		if i > 0 {
			text += " "
		}
		text += s.Parameters[i].Path + "=" + v
	}
	return text
}

// keeping is how likely a drawn candidate keeps a value of the current policy:
// what improves a policy mostly changes a few of its fields, and a candidate
// that changes all of them is hardly ever better in everything.
const keeping = 1.0 / 3

// draw is the candidate of a seed and a number.
func (s *Search) draw(i uint64) []string {
	random := rand.New(rand.NewPCG(uint64(s.Seed), i))
	values := make([]string, len(s.Parameters))
	for k := range s.Parameters {
		values[k] = s.Parameters[k].At(random.Float64())
		if random.Float64() < keeping && s.space.current[k] != "" {
			values[k] = s.space.current[k]
		}
	}
	return values
}

// planGrid takes all values of lists and as many levels of each range as the
// number of trials has room for.
func (s *Search) planGrid() error {
	levels := make([]int, len(s.Parameters))
	count := func(most int) int {
		n := 1
		for k := range s.Parameters {
			p := &s.Parameters[k]
			levels[k] = p.levels()
			if len(p.Values) == 0 && (levels[k] == 0 || levels[k] > most) {
				levels[k] = most
			}
			if n *= levels[k]; n > maxGrid {
				return maxGrid + 1
			}
		}
		return n
	}
	if n := count(2); n > s.Trials {
		return fmt.Errorf("the smallest grid, of two levels a range, has %s candidates, but --trials is %d; raise it, name fewer parameters, or sample at random", atMost(n), s.Trials)
	}
	most := 2
	for last := count(most); most < maxValues; most++ {
		n := count(most + 1)
		if n > s.Trials {
			break
		}
		if n == last && !s.unbounded() && n == count(maxValues) {
			break
		}
		last = n
	}
	total := count(most)
	for i := range total {
		values := make([]string, len(levels))
		rest := i
		for k := len(levels) - 1; k >= 0; k-- {
			values[k] = s.Parameters[k].level(rest%levels[k], levels[k])
			rest /= levels[k]
		}
		s.planned = append(s.planned, values)
	}
	return nil
}

// unbounded says whether a range takes any number of levels.
func (s *Search) unbounded() bool {
	for k := range s.Parameters {
		if s.Parameters[k].levels() == 0 {
			return true
		}
	}
	return false
}

func atMost(n int) string {
	if n > maxGrid {
		return fmt.Sprintf("more than %d", maxGrid)
	}
	return fmt.Sprint(n)
}

// Units is the number of units of work, numbered from 1: those of candidates
// without a metric of their own first, then as many with each.
func (s *Search) Units() int { return len(s.metrics()) * s.unitsOfEach() }

func (s *Search) unitsOfEach() int {
	if s.Sampler == CMAES {
		return len(s.chains())
	}
	return len(s.planned)
}

// Run carries out one unit and returns its trials, without their numbers.
func (s *Search) Run(ctx context.Context, unit int) ([]Trial, error) {
	if unit < 1 || unit > s.Units() {
		return nil, errors.New("no such unit")
	}
	n := s.unitsOfEach()
	metric, number := s.metrics()[(unit-1)/n], (unit-1)%n
	if s.Sampler == CMAES {
		return s.runChain(ctx, unit, number+1, metric)
	}
	t := Trial{Unit: unit, Metric: metric, Values: s.planned[number]}
	err := s.try(ctx, &t)
	return []Trial{t}, err
}
