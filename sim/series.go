package sim

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/sim/world"
)

// heartbeat is how often a series that does not change is written, in
// milliseconds: within Prometheus' default lookback, so that the file reads
// like the scrapes it stands for.
const heartbeat = 240_000

// A seriesWriter keeps what the world published for writeSeries, as OpenMetrics text: a
// sample where the value changed, one a heartbeat, and the last one of each series. One
// series' samples stand together, as the format wants.
type seriesWriter struct {
	// start and interval are those of the scrapes, in Unix milliseconds.
	start, interval int64
	series          map[uint64]*course // nil where nobody wants them
	order           []*course
	// before are the series of the last scrape in its order, found those of this one.
	before, found []*course
	err           error
}

// A course is the values of one series.
type course struct {
	labels labels.Labels
	spans  []span
}

// A span is a value that a series had at every scrape from one to another, which
// are counted from 0. Most series have one that never ends.
type span struct {
	v        float64
	from, to int32
}

func newSeriesWriter(w io.Writer, start, interval int64) *seriesWriter {
	if w == nil {
		return &seriesWriter{}
	}
	return &seriesWriter{start: start, interval: interval, series: map[uint64]*course{}}
}

// tee passes samples on to emit and keeps them.
func (s *seriesWriter) tee(now int64, emit world.Emit) world.Emit {
	if s.series == nil {
		return emit
	}
	s.before, s.found = s.found, s.before[:0]
	at := int32((now - s.start) / s.interval)
	return func(l labels.Labels, v float64) {
		emit(l, v)
		c := s.course(l)
		s.found = append(s.found, c)
		last := len(c.spans) - 1
		switch {
		case last >= 0 && c.spans[last].to == at:
			s.err = cmp.Or(s.err, fmt.Errorf("the scrape at %s has series %s twice", instant(now), l))
		case last >= 0 && c.spans[last].to == at-1 && math.Float64bits(c.spans[last].v) == math.Float64bits(v):
			c.spans[last].to = at
		default:
			c.spans = append(c.spans, span{v, at, at})
		}
	}
}

// course returns that of a series. It mostly stands where it stood in the last scrape.
func (s *seriesWriter) course(l labels.Labels) *course {
	if i := len(s.found); i < len(s.before) && labels.Equal(s.before[i].labels, l) {
		return s.before[i]
	}
	hash := l.Hash()
	c := s.series[hash]
	if c == nil {
		c = &course{labels: l}
		s.series[hash] = c
		s.order = append(s.order, c)
	}
	return c
}

// write writes the series by name, then by their labels; no writer discards them.
func (s *seriesWriter) write(w io.Writer, series []*course) error {
	if w == nil || s.err != nil {
		return s.err
	}
	slices.SortFunc(series, func(a, b *course) int {
		return cmp.Or(strings.Compare(a.labels.Get(labels.MetricName), b.labels.Get(labels.MetricName)), labels.Compare(a.labels, b.labels))
	})
	out := bufio.NewWriter(w)
	var line []byte
	name := ""
	for _, c := range series {
		if n := c.labels.Get(labels.MetricName); n != name {
			name = n
			out.WriteString("# TYPE " + name + " gauge\n")
		}
		c.samples(s.start, s.interval, func(t int64, v float64) {
			line = c.append(line[:0], t, v)
			out.Write(line)
		})
	}
	out.WriteString("# EOF\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("series: %w", err)
	}
	return nil
}

// samples calls write for each sample that is written, with its time in Unix
// milliseconds.
func (c *course) samples(start, interval int64, write func(t int64, v float64)) {
	beat := int32((heartbeat + interval - 1) / interval)
	last, value := int32(0), math.NaN() // of the last sample that was written
	put := func(at int32, v float64) {
		write(start+int64(at)*interval, v)
		last, value = at, v
	}
	for _, s := range c.spans {
		at := s.from
		if s.v == value {
			at = max(at, last+beat)
		}
		for ; at <= s.to; at += beat {
			put(at, s.v)
		}
	}
	if end := c.spans[len(c.spans)-1]; last != end.to {
		put(end.to, end.v)
	}
}

func (c *course) append(b []byte, ms int64, v float64) []byte {
	b = append(b, c.labels.Get(labels.MetricName)...)
	b = append(b, '{')
	first := true
	c.labels.Range(func(l labels.Label) {
		if l.Name == labels.MetricName {
			return
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(b, l.Name...), '=')
		b = strconv.AppendQuote(b, l.Value)
	})
	b = append(b, '}', ' ')
	b = strconv.AppendFloat(b, v, 'g', -1, 64)
	b = append(b, ' ')
	return append(strconv.AppendFloat(b, float64(ms)/1000, 'f', -1, 64), '\n')
}
