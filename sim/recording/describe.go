package recording

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A Column is a column of a CSV and what became of it.
type Column struct {
	Header string
	// Became is ColumnTime, ColumnSeries, ColumnLabel or ColumnIgnored; Detail is the
	// series or label, or why the column is ignored.
	Became, Detail string
	// Unit is the unit that the cells were scaled to, such as seconds; empty where the
	// cells have none.
	Unit string
}

// What becomes of a column.
const (
	ColumnTime    = "time"
	ColumnSeries  = "series"
	ColumnLabel   = "label"
	ColumnIgnored = "ignored"
)

// columnUses says what became of each column, in the order of the table.
func (s *csvScan) columnUses() []Column {
	uses := make([]Column, len(s.table.header))
	for field, header := range s.table.header {
		uses[field] = Column{Header: header, Became: ColumnIgnored, Detail: "the same text in every row"}
	}
	set := func(field int, became, detail string) { uses[field].Became, uses[field].Detail = became, detail }
	for _, c := range s.columns {
		set(c.field, ColumnSeries, shown(c.labels))
		uses[c.field].Unit = string(c.kind)
	}
	for _, text := range s.texts {
		if text.selects {
			set(text.field, ColumnLabel, "all labels of its selectors")
			continue
		}
		set(text.field, ColumnLabel, labelName(text.header))
	}
	for _, field := range s.undecided {
		set(field, ColumnIgnored, "no value in any row")
	}
	for _, field := range s.moments {
		set(field, ColumnIgnored, "further times")
	}
	for _, field := range s.indexes {
		set(field, ColumnIgnored, "numbers of the rows")
	}
	for _, field := range s.tables {
		set(field, ColumnIgnored, "numbers of InfluxDB's tables")
	}
	set(s.table.time, ColumnTime, s.times.assumed())
	if s.table.zone >= 0 {
		set(s.table.zone, ColumnTime, "the time zone")
	}
	if s.table.clock >= 0 && s.table.clock != s.table.time {
		set(s.table.clock, ColumnTime, "the time of day")
	}
	return uses
}

// A Description tells what a recording holds of one series.
type Description struct {
	Series  labels.Labels
	Samples int64
	// First and Last are the instants of the first and the last sample, in Unix
	// milliseconds.
	First, Last int64
	// Spacing is the median time between two samples; 0 of a single one.
	Spacing time.Duration
	// Gaps counts the times between two samples that are longer than 1.5 times the
	// spacing; LongestGap is the longest of them.
	Gaps       int64
	LongestGap time.Duration
	// Min and Max are the smallest and the largest finite value; NaN of histograms.
	Min, Max float64
	// Unit is that of a CSV's cells, else the one that the name ends in: seconds,
	// bytes, ratio, percent; empty where neither says.
	Unit string
}

// A Summary describes the series of a recording.
type Summary struct {
	// Series has those that were wanted, sorted by labels.
	Series []Description
	// More is the number of series left out; Samples counts those of all series.
	More    int
	Samples int64
}

// Describe reads all samples and describes at most that many series, the first ones by
// their labels.
func (r *Recording) Describe(ctx context.Context, most int) (*Summary, error) {
	units := map[string]string{}
	for _, c := range r.info.Columns {
		if c.Unit != "" {
			units[c.Detail] = c.Unit
		}
	}
	all := &Summary{}
	err := r.source.describe(ctx, nil, func(d *described) {
		if d.Samples == 0 {
			return
		}
		all.Samples += d.Samples
		if len(all.Series) == most {
			all.More++
			return
		}
		d.finish()
		d.First, d.Last = d.First+r.delta, d.Last+r.delta
		if r.scales() {
			d.Min, d.Max = d.Min*r.scale, d.Max*r.scale
		}
		name := d.Series.Get(labels.MetricName)
		d.Unit = cmp.Or(units[shown(d.Series)], units[name], unitOfName(name))
		all.Series = append(all.Series, d.Description)
	})
	return all, err
}

// describe has the descriptions of all columns in memory: a table has few.
func (c *csvFile) describe(ctx context.Context, matchers [][]*labels.Matcher, visit func(*described)) error {
	feed, err := c.feed(matchers, math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	defer feed.Close() // it is only read
	all := map[int]*described{}
	n := 0
	err = eachSample(feed, func(s sampleOf) error {
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		d := all[s.Series]
		if d == nil {
			d = newDescribed(s.labels)
			all[s.Series] = d
		}
		d.add(s.Sample)
		return nil
	})
	if err != nil {
		return err
	}
	for _, d := range slices.SortedFunc(maps.Values(all), func(a, b *described) int { return labels.Compare(a.Description.Series, b.Description.Series) }) {
		visit(d)
	}
	return nil
}

// describe describes one series after the other, so that their number costs no memory.
func (b *blocks) describe(ctx context.Context, matchers [][]*labels.Matcher, visit func(*described)) error {
	set, queriers, err := b.selectSeries(matchers, math.MinInt64, math.MaxInt64, nil)
	if err != nil {
		return err
	}
	defer closeQueriers(queriers)
	var it chunkenc.Iterator
	for set.Next() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		entry := set.At()
		d := newDescribed(entry.Labels())
		it = entry.Iterator(it)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			d.add(sample(0, it, kind))
		}
		if err := it.Err(); err != nil {
			return b.damaged(fmt.Errorf("series %s: %w", shown(d.Series), err))
		}
		visit(d)
	}
	if err := set.Err(); err != nil {
		return b.damaged(err)
	}
	return nil
}

// Name is the series as PromQL writes it.
func (d *Description) Name() string { return shown(d.Series) }

// described is a description in the making.
type described struct {
	Description
	spacings spacings
}

func newDescribed(series labels.Labels) *described {
	return &described{Description: Description{Series: series, Min: math.NaN(), Max: math.NaN()}}
}

func (d *described) add(s fake.Sample) {
	if s.H == nil && value.IsStaleNaN(s.F) {
		return // it ends the series and is no sample
	}
	if d.Samples == 0 {
		d.First = s.T
	} else {
		d.spacings.add(s.T - d.Last)
	}
	d.Last = s.T
	d.Samples++
	if s.H == nil && !math.IsNaN(s.F) && !math.IsInf(s.F, 0) {
		if !(d.Min <= s.F) {
			d.Min = s.F
		}
		if !(d.Max >= s.F) {
			d.Max = s.F
		}
	}
}

func (d *described) finish() {
	d.Spacing = d.spacings.median()
	for ms, count := range d.spacings.counts {
		if between := time.Duration(ms) * time.Millisecond; between > d.Spacing/2*3 {
			d.Gaps += count
			d.LongestGap = max(d.LongestGap, between)
		}
	}
}

// unitOfName is the unit that a metric's name ends in by Prometheus' conventions.
func unitOfName(name string) string {
	name = strings.TrimSuffix(name, "_total")
	for _, unit := range []string{"seconds", "bytes", "ratio", "percent", "celsius", "meters", "volts", "amperes", "joules", "grams"} {
		if name == unit || strings.HasSuffix(name, "_"+unit) {
			return unit
		}
	}
	return ""
}
