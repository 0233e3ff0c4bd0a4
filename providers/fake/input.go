package fake

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// inputHistogramWeight is how many samples a native histogram counts as.
const inputHistogramWeight = 100

// An InputSpec is one synthetic series in the notation of promtool's unit tests.
type InputSpec struct {
	// Series is the series' name and labels: queue_length{queue="jobs"}.
	Series string
	// Values are its values one interval apart: 1 2+3x10 _x4 stale.
	Values string
	// Where says where the series is defined (file:line:column), for errors; optional.
	Where string
}

// Inputs are parsed synthetic series, from which any number of feeds can be made.
type Inputs struct {
	start, step int64
	labels      []labels.Labels
	values      []inputValues
}

// inputValues holds the values of one series, point by point. The parser's own form
// takes three times the room.
type inputValues struct {
	floats []float64
	// omitted marks the points without a value, nil if there are none;
	// histograms are by their points.
	omitted    []bool
	histograms map[int]*histogram.FloatHistogram
}

func compact(values []parser.SequenceValue) inputValues {
	c := inputValues{floats: make([]float64, len(values))}
	for i, v := range values {
		c.floats[i] = v.Value
		switch {
		case v.Omitted:
			if c.omitted == nil {
				c.omitted = make([]bool, len(values))
			}
			c.omitted[i] = true
		case v.Histogram != nil:
			if c.histograms == nil {
				c.histograms = map[int]*histogram.FloatHistogram{}
			}
			c.histograms[i] = v.Histogram
		}
	}
	return c
}

// ParseInputs parses synthetic series. The first value of each has the time
// start (Unix milliseconds), the others follow at the interval. Errors name the
// series and the place in its notation.
func ParseInputs(start int64, interval time.Duration, specs []InputSpec) (*Inputs, error) {
	step := interval.Milliseconds()
	if step <= 0 {
		return nil, fmt.Errorf("interval %v of the input series: at least 1ms is needed", interval)
	}
	if err := checkInputSize(specs); err != nil {
		return nil, err
	}
	in := &Inputs{start: start, step: step}
	seen := map[string]InputSpec{}
	p := EveryFeature.Parser()
	for _, spec := range specs {
		l, values, err := p.ParseSeriesDesc(spec.Series + " " + spec.Values)
		if err != nil {
			return nil, spec.errorf("%s", describeInputError(spec, err))
		}
		if first, ok := seen[l.String()]; ok {
			return nil, spec.errorf("the series is defined twice%s; labels must differ", first.suffix())
		}
		seen[l.String()] = spec
		in.labels = append(in.labels, l)
		in.values = append(in.values, compact(values))
	}
	return in, nil
}

// Feed returns a feed of all the series.
func (in *Inputs) Feed() Feed {
	feed := &inputFeed{Inputs: in, active: make([]int, len(in.labels))}
	for i := range feed.active {
		feed.active[i] = i
	}
	return feed
}

// InputSeries parses synthetic series and returns a feed of them; see ParseInputs.
func InputSeries(start int64, interval time.Duration, specs []InputSpec) (Feed, error) {
	in, err := ParseInputs(start, interval, specs)
	if err != nil {
		return nil, err
	}
	return in.Feed(), nil
}

// checkInputSize bounds what the notation expands to before anything expands it.
func checkInputSize(specs []InputSpec) error {
	total := uint64(0)
	for _, spec := range specs {
		n := countInputSamples(spec.Values)
		if strings.Contains(spec.Values, "{{") {
			n *= inputHistogramWeight
		}
		if total += n; total > limit.InputSamples {
			return spec.errorf("too many values: all input series together may have at most %d samples (%d if they are histograms); shorten the repetitions",
				limit.InputSamples, limit.InputSamples/inputHistogramWeight)
		}
	}
	return nil
}

// countInputSamples returns an upper bound of the number of values, at most
// slightly more than limit.InputSamples.
func countInputSamples(values string) uint64 {
	total := uint64(len(strings.Fields(values)))
	for i := 0; i < len(values); i++ {
		if values[i] != 'x' {
			continue
		}
		end := i + 1
		for end < len(values) && values[end] >= '0' && values[end] <= '9' {
			end++
		}
		if end == i+1 {
			continue
		}
		n, err := strconv.ParseUint(values[i+1:end], 10, 64)
		if err != nil || n > limit.InputSamples {
			return limit.InputSamples + 1
		}
		if total += n; total > limit.InputSamples {
			return limit.InputSamples + 1
		}
	}
	return total
}

// describeInputError turns a position in the joined text into one in the part
// that the user wrote.
func describeInputError(spec InputSpec, err error) string {
	var list parser.ParseErrors
	if !errors.As(err, &list) || len(list) == 0 {
		return err.Error()
	}
	first := list[0]
	at := int(first.PositionRange.Start)
	if offset := len(spec.Series) + 1; at >= offset {
		return fmt.Sprintf("values, character %d: %v", at-offset+1, first.Err)
	}
	return fmt.Sprintf("series, character %d: %v", at+1, first.Err)
}

func (s InputSpec) errorf(format string, args ...any) error {
	where := ""
	if s.Where != "" {
		where = s.Where + ": "
	}
	return fmt.Errorf("%sinput series %q: %w", where, s.Series, fmt.Errorf(format, args...))
}

func (s InputSpec) suffix() string {
	if s.Where == "" {
		return ""
	}
	return ", first at " + s.Where
}

// An inputFeed walks over all series one grid point after the other.
type inputFeed struct {
	*Inputs
	// active are the indexes of the series that have values left, ascending.
	active []int
	// point is the current grid point, next the position in active.
	point, next int
}

func (f *inputFeed) Labels(series int) labels.Labels { return f.labels[series] }

func (f *inputFeed) Close() error { return nil }

func (f *inputFeed) Next() (Sample, error) {
	for len(f.active) > 0 {
		if f.next == len(f.active) {
			f.advance()
			continue
		}
		series := f.active[f.next]
		f.next++
		v := &f.values[series]
		if f.point >= len(v.floats) || v.omitted != nil && v.omitted[f.point] {
			continue
		}
		sample := Sample{Series: series, T: f.start + int64(f.point)*f.step, F: v.floats[f.point]}
		if h := v.histograms[f.point]; h != nil {
			// Repetitions share one histogram, and the store keeps what it gets.
			sample.H = h.Copy()
		}
		return sample, nil
	}
	return Sample{}, io.EOF
}

// advance goes to the next grid point and leaves behind the series that end here.
func (f *inputFeed) advance() {
	f.point++
	f.next = 0
	kept := f.active[:0]
	for _, series := range f.active {
		if f.point < len(f.values[series].floats) {
			kept = append(kept, series)
		}
	}
	f.active = kept
}
