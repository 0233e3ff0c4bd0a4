package reports

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// A frame maps time and replicas onto a canvas.
type frame struct {
	from, to                  int64 // Unix seconds
	top                       float64
	left, right, bottom, ceil vg.Length
}

func (f *frame) x(t int64) vg.Length {
	t = min(max(t, f.from), f.to)
	return f.left + (f.right-f.left)*vg.Length(float64(t-f.from)/float64(f.to-f.from))
}

func (f *frame) y(v float64) vg.Length {
	return f.bottom + (f.ceil-f.bottom)*vg.Length(min(max(v/f.top, 0), 1))
}

// trace is a step function as lines, one for each stretch that is known. Where
// many changes fall on one point of the canvas, their least and greatest values
// are kept, so that no spike is lost.
func (f *frame) trace(s Steps) [][]vg.Point {
	t := tracer{frame: f, value: s.At(f.from)}
	t.point(f.left, t.value)
	first, last := changesOf(s, f.from, f.to)
	for i := first; i < last; {
		j := i + 1
		column := math.Floor(f.x(s.T[i]).Points())
		for j < last && math.Floor(f.x(s.T[j]).Points()) == column {
			j++
		}
		if j-i > 3 {
			t.dense(f.x(s.T[i]), s.V[i:j])
		} else {
			for k := i; k < j; k++ {
				t.step(f.x(s.T[k]), s.V[k])
			}
		}
		i = j
	}
	t.point(f.right, t.value)
	t.lift()
	return t.lines
}

// changes are the indices of the changes after from and before to.
func changesOf(s Steps, from, to int64) (first, last int) {
	for first < len(s.T) && s.T[first] <= from {
		first++
	}
	for last = first; last < len(s.T) && s.T[last] < to; {
		last++
	}
	return first, last
}

// A tracer draws the lines of a step function.
type tracer struct {
	frame *frame
	value float64
	line  []vg.Point
	lines [][]vg.Point
}

func (t *tracer) point(x vg.Length, v float64) {
	if !math.IsNaN(v) {
		t.line = append(t.line, vg.Point{X: x, Y: t.frame.y(v)})
	}
}

func (t *tracer) lift() {
	if len(t.line) > 1 {
		t.lines = append(t.lines, t.line)
	}
	t.line = nil
}

func (t *tracer) step(x vg.Length, v float64) {
	t.point(x, t.value)
	if math.IsNaN(v) {
		t.lift()
	}
	t.point(x, v)
	t.value = v
}

// dense draws many changes at one place.
func (t *tracer) dense(x vg.Length, values []float64) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	t.point(x, t.value)
	if low <= high {
		t.point(x, low)
		t.point(x, high)
	}
	t.value = values[len(values)-1]
	if math.IsNaN(t.value) {
		t.lift()
	}
	t.point(x, t.value)
}

// greatest is the largest value in [from, to); 0 where none is known.
func greatestOf(s Steps, from, to int64) float64 {
	greatest := 0.0
	if v := s.At(from); v > greatest {
		greatest = v
	}
	first, last := changesOf(s, from, to)
	for _, v := range s.V[first:last] {
		if v > greatest {
			greatest = v
		}
	}
	return greatest
}
