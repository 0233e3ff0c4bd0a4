package tune

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// An Importance is how much of the differences among candidates a parameter
// explains by itself: the variance of its bins' means as a share of the whole
// (the correlation ratio), from 0 to 1. Interactions are no parameter's own.
type Importance struct {
	Cost, Lacking float64
}

// bins is the most bins a parameter's values are put into.
const bins = 8

// A point is a trial that the last fold may choose.
type point struct {
	position      []float64
	cost, lacking float64
	loss          float64
	trial         *Trial
}

// points returns what the last fold may learn from.
func (s *Search) points(trials []Trial) []point {
	current := s.Current.sum(0, s.Folds)
	var out []point
	for i := range trials {
		t := &trials[i]
		if !t.eligible(s.Folds) {
			continue
		}
		in := t.sum(0, s.Folds)
		p := point{cost: s.inUnits(s.expense(&in)), lacking: in.BreachMinutes(), loss: ratio(s.expense(&in), s.expense(&current)) + lack(&in, &current), trial: t}
		for k := range s.Parameters {
			p.position = append(p.position, s.Parameters[k].Position(t.Values[k]))
		}
		out = append(out, p)
	}
	return out
}

// importance explains cost and lacking by each parameter.
func (s *Search) importance(trials []Trial) []Importance {
	points := s.points(trials)
	out := make([]Importance, len(s.Parameters))
	for k := range out {
		out[k] = Importance{
			Cost:    explained(points, k, func(p *point) float64 { return p.cost }),
			Lacking: explained(points, k, func(p *point) float64 { return p.lacking }),
		}
	}
	return out
}

// explained is the correlation ratio of a figure on a parameter.
func explained(points []point, parameter int, of func(*point) float64) float64 {
	var sums, counts [bins]float64
	mean := 0.0
	for i := range points {
		mean += of(&points[i])
	}
	mean /= float64(len(points))
	whole := 0.0
	for i := range points {
		v := of(&points[i])
		b := bin(points[i].position[parameter], bins)
		sums[b] += v
		counts[b]++
		whole += float64((v - mean) * (v - mean))
	}
	if !(whole > 0) {
		return 0
	}
	between := 0.0
	for b := range sums {
		if counts[b] > 0 {
			d := sums[b]/counts[b] - mean
			between += float64(counts[b] * float64(d*d))
		}
	}
	return between / whole
}

// bin is where a position from 0 to 1 falls among n bins.
func bin(position float64, n int) int {
	if math.IsNaN(position) {
		return 0
	}
	return min(max(int(position*float64(n)), 0), n-1)
}

// A HeatMap is the best that candidates reached over two parameters.
type HeatMap struct {
	// X and Y are the indexes of the parameters.
	X, Y int
	// XLabels and YLabels are the values where bins begin.
	XLabels, YLabels []string
	// Best[y][x] is the least loss of the bin's candidates relative to the
	// current policy, 1 for no better and no worse; NaN where there is none.
	Best [][]float64
	// Trials[y][x] is how many candidates the bin has.
	Trials [][]int
}

// mapped is how many parameters are shown against each other.
const mapped = 3

// maps show the most important parameters against each other.
func (s *Search) maps(trials []Trial, importance []Importance) []HeatMap {
	order := make([]int, len(importance))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := importance[a], importance[b]
		return cmp.Compare(y.Cost+y.Lacking, x.Cost+x.Lacking)
	})
	order = order[:min(mapped, len(order))]
	points := s.points(trials)
	var out []HeatMap
	for i := range order {
		for k := i + 1; k < len(order); k++ {
			out = append(out, s.heatMap(points, order[i], order[k]))
		}
	}
	return out
}

func (s *Search) heatMap(points []point, x, y int) HeatMap {
	m := HeatMap{X: x, Y: y, XLabels: s.labels(x), YLabels: s.labels(y)}
	for range m.YLabels {
		row := make([]float64, len(m.XLabels))
		for i := range row {
			row[i] = math.NaN()
		}
		m.Best = append(m.Best, row)
		m.Trials = append(m.Trials, make([]int, len(m.XLabels)))
	}
	for i := range points {
		p := &points[i]
		a, b := bin(p.position[x], len(m.XLabels)), bin(p.position[y], len(m.YLabels))
		m.Trials[b][a]++
		// The current policy's own loss is 2: its cost and its lacking.
		if v := p.loss / 2; !(m.Best[b][a] <= v) {
			m.Best[b][a] = v
		}
	}
	return m
}

// labels are the values at which a parameter's bins begin.
func (s *Search) labels(k int) []string {
	p := &s.Parameters[k]
	if n := len(p.Values); n > 0 && n <= bins {
		return p.Values
	}
	n := bins
	if l := p.levels(); l > 0 {
		n = min(n, l)
	}
	out := make([]string, n)
	for i := range out {
		if len(p.Values) > 0 {
			out[i] = p.Values[i*len(p.Values)/n]
			continue
		}
		begin := p.between(float64(i) / float64(n))
		if p.Step > 0 && !p.whole {
			begin, _ = strconv.ParseFloat(strconv.FormatFloat(begin, 'g', digits, 64), 64)
		}
		out[i] = p.text(begin)
	}
	return out
}

// Cell is where the choice lies in the map.
func (m *HeatMap) Cell(o *Outcome) (x, y int) {
	return bin(o.Parameters[m.X].Position(o.valueOf(o.Choice, m.X)), len(m.XLabels)),
		bin(o.Parameters[m.Y].Position(o.valueOf(o.Choice, m.Y)), len(m.YLabels))
}
