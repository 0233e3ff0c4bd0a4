package recording

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
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

// Describe reads all samples and describes each series, sorted by labels.
func (r *Recording) Describe(ctx context.Context) ([]Description, error) {
	feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	defer feed.Close() // it is only read
	units := map[string]string{}
	for _, c := range r.info.Columns {
		if c.Unit != "" {
			units[c.Detail] = c.Unit
		}
	}
	all := map[string]*described{}
	n := 0
	err = eachSample(feed, func(s sampleOf) error {
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		key := s.labels.String()
		d := all[key]
		if d == nil {
			d = &described{Description: Description{Series: s.labels, Min: math.NaN(), Max: math.NaN()}}
			all[key] = d
		}
		d.add(s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []Description
	for _, d := range all {
		if d.Samples > 0 {
			d.finish()
			name := d.Series.Get(labels.MetricName)
			d.Unit = cmp.Or(units[shown(d.Series)], units[name], unitOfName(name))
			out = append(out, d.Description)
		}
	}
	slices.SortFunc(out, func(a, b Description) int { return labels.Compare(a.Series, b.Series) })
	return out, nil
}

// Name is the series as PromQL writes it.
func (d *Description) Name() string { return shown(d.Series) }

// described is a description in the making.
type described struct {
	Description
	spacings spacings
}

func (d *described) add(s sampleOf) {
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
