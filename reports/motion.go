package reports

import "math"

// motion is how the supply moved beside the demand: the figures of curves alone,
// for which no decision has to be known.
type motion struct {
	// minutes are whole minutes with both known, apart those of them in which
	// they moved in different directions.
	minutes, apart int64
	// supply and demand count changes while both are known.
	supply, demand int64
	// steps are sudden lasting changes of the demand, unsettled those that the
	// supply did not follow into its band; overshoot is NaN without an upward one.
	steps, unsettled int64
	settling         durations
	overshoot        float64
}

func newMotion() motion { return motion{settling: durations{}, overshoot: math.NaN()} }

func (m *motion) add(o *motion) {
	m.minutes += o.minutes
	m.apart += o.apart
	m.supply += o.supply
	m.demand += o.demand
	m.steps += o.steps
	m.unsettled += o.unsettled
	m.settling.merge(o.settling)
	m.overshot(o.overshoot)
}

func (m *motion) overshot(replicas float64) {
	if math.IsNaN(m.overshoot) || replicas > m.overshoot {
		m.overshoot = replicas
	}
}

// compareDirections finds the minutes, counted from the start, in which ready
// and needed replicas moved in different directions.
func (m *motion) compareDirections(start, end int64, needed, ready Steps) {
	n, r := cursor{steps: needed}, cursor{steps: ready}
	needs, readies := n.to(start), r.to(start)
	for t := start + 60; t <= end; t += 60 {
		at := min(t, end-1) // a change at the end lies outside
		nextNeeds, nextReadies := n.to(at), r.to(at)
		demand, supply := nextNeeds-needs, nextReadies-readies
		needs, readies = nextNeeds, nextReadies
		if math.IsNaN(demand) || math.IsNaN(supply) {
			continue
		}
		m.minutes++
		if sign(demand) != sign(supply) {
			m.apart++
		}
	}
}

func sign(v float64) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// countChanges counts the changes of each while both are known.
func (m *motion) countChanges(start, end int64, needed, ready Steps) {
	needs, readies := math.NaN(), math.NaN()
	walk(start, end, []Steps{needed, ready}, func(_, _ int64, v []float64) {
		if known := needs + readies + v[0] + v[1]; !math.IsNaN(known) {
			if v[0] != needs {
				m.demand++
			}
			if v[1] != readies {
				m.supply++
			}
		}
		needs, readies = v[0], v[1]
	})
}

// The figures of steps.
const (
	// stepShare is the least change of the demand, as a share of what it was,
	// that is a step; it is at least one replica.
	stepShare = 0.2
	// stepBand is how far, as a share of its level, demand may move without
	// ending the step, and supply may lie from it and count as settled.
	stepBand = 0.1
	// stepSeconds is how long the demand must hold the level.
	stepSeconds = 300
)

// A stepResponse follows the supply after one step of the demand.
type stepResponse struct {
	from      int64
	level     float64
	up        bool  // to more than was ready
	settled   int64 // since when the supply is in the band; -1 while it is not
	overshoot float64
}

// followSteps measures overshoot and settling after steps of the demand.
func (m *motion) followSteps(start, end int64, needed, ready Steps) {
	var step *stepResponse
	before := math.NaN()
	walk(start, end, []Steps{needed, ready}, func(from, _ int64, v []float64) {
		needs, readies := v[0], v[1]
		if step != nil && !(near(needs, step.level) && !math.IsNaN(readies)) {
			m.closeStep(step, from)
			step = nil
		}
		if step == nil && !math.IsNaN(readies) && math.Abs(needs-before) >= max(1, stepShare*before) {
			step = &stepResponse{from: from, level: needs, up: needs > before && needs > readies, settled: -1}
		}
		before = needs
		if step != nil {
			step.see(from, readies)
		}
	})
	if step != nil {
		m.closeStep(step, end)
	}
}

// near says whether a count lies in the band around a level.
func near(count, level float64) bool { return math.Abs(count-level) <= stepBand*max(level, 1) }

func (s *stepResponse) see(t int64, ready float64) {
	switch {
	case !near(ready, s.level):
		s.settled = -1
	case s.settled < 0:
		s.settled = t
	}
	s.overshoot = max(s.overshoot, ready-s.level)
}

// closeStep counts a step that was followed up to t. One that did not settle
// counts as long as it was followed.
func (m *motion) closeStep(s *stepResponse, t int64) {
	if t-s.from < stepSeconds {
		return
	}
	m.steps++
	if s.settled < 0 {
		m.unsettled++
		s.settled = t
	}
	m.settling[s.settled-s.from]++
	if s.up {
		m.overshot(s.overshoot)
	}
}
