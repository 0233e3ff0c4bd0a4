package sim

import (
	"bufio"
	"io"
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

// A seriesWriter writes what the world published as OpenMetrics text: a sample
// where the value changed, one a heartbeat, and the last one of each series. It
// keeps one series' samples together, as the format wants.
type seriesWriter struct {
	out    *bufio.Writer
	series map[uint64]*course
	order  []*course
}

// A course is the samples of one series.
type course struct {
	labels labels.Labels
	t      []int64 // Unix milliseconds
	v      []float64
	// seen is the last sample, which is kept only if something follows from it.
	seen int64
}

func newSeriesWriter(w io.Writer) *seriesWriter {
	if w == nil {
		return &seriesWriter{}
	}
	return &seriesWriter{out: bufio.NewWriter(w), series: map[uint64]*course{}}
}

// tee passes samples on to emit and keeps them.
func (s *seriesWriter) tee(now int64, emit world.Emit) world.Emit {
	if s.out == nil {
		return emit
	}
	return func(l labels.Labels, v float64) {
		emit(l, v)
		hash := l.Hash()
		c := s.series[hash]
		if c == nil {
			c = &course{labels: l}
			s.series[hash] = c
			s.order = append(s.order, c)
		}
		if n := len(c.t); n == 0 || c.v[n-1] != v || now-c.t[n-1] >= heartbeat {
			c.t, c.v = append(c.t, now), append(c.v, v)
		}
		c.seen = now
	}
}

// close writes the series by name, then in the order of their first samples.
func (s *seriesWriter) close() error {
	if s.out == nil {
		return nil
	}
	slices.SortStableFunc(s.order, func(a, b *course) int {
		return strings.Compare(a.labels.Get(labels.MetricName), b.labels.Get(labels.MetricName))
	})
	var line []byte
	name := ""
	for _, c := range s.order {
		if n := c.labels.Get(labels.MetricName); n != name {
			name = n
			s.out.WriteString("# TYPE " + name + " gauge\n")
		}
		if n := len(c.t); c.t[n-1] != c.seen {
			c.t, c.v = append(c.t, c.seen), append(c.v, c.v[n-1])
		}
		for i, t := range c.t {
			line = c.append(line[:0], t, c.v[i])
			s.out.Write(line)
		}
	}
	s.out.WriteString("# EOF\n")
	return s.out.Flush()
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
