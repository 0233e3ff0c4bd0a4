package reports

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Names of the columns that AddReferences adds. They show what the other columns
// are to be measured by and are never ranked.
const (
	StaticPeak = "static peak" // the most replicas ever needed, all the time
	StaticMean = "static mean" // those needed on average, rounded up, all the time
	Oracle     = "oracle"      // the demand known in advance, with the same boot delay
)

// AddReferences adds reference columns to a run, made of the needed replicas of
// the primary column, after all others and in place of former ones. A variant that
// has the name of one stays, and a note says so.
func AddReferences(run *Run) error {
	var columns []Column
	for i := range run.Columns {
		if !run.Columns[i].Reference {
			columns = append(columns, run.Columns[i])
		}
	}
	run.Columns = columns
	if err := run.Check(); err != nil {
		return err
	}
	primary := &run.Columns[primaryColumn(run)]
	for _, reference := range []struct {
		name   string
		supply func(o *Object, start, end int64) (asked, ready Steps)
	}{{StaticPeak, staticPeak}, {StaticMean, staticMean}, {Oracle, foresight}} {
		if hasColumn(run, reference.name) {
			run.Notes = append(run.Notes, fmt.Sprintf("Column %s is not the reference of that name, which is left out.", reference.name))
			continue
		}
		column := Column{Name: reference.name, Reference: true}
		any := false
		for i := range primary.Objects {
			o := primary.Objects[i]
			o.Policy, o.Paid, o.Pending = nil, Steps{}, Steps{}
			o.Spec, o.Ready = reference.supply(&o, run.Start, run.End)
			any = any || o.Spec.Known()
			column.Objects = append(column.Objects, o)
		}
		if any {
			run.Columns = append(run.Columns, column)
		}
	}
	return nil
}

// reference says what a reference column shows.
func referenceText(c *Column) string {
	switch c.Name {
	case StaticPeak:
		return "Reference, never ranked: all the time the most replicas that were ever needed."
	case StaticMean:
		return "Reference, never ranked: all the time the replicas needed on average, rounded up."
	case Oracle:
		return "Reference, never ranked: the demand is known in advance, and replicas start as slowly as anybody's (" + bootDelays(c) + ")."
	}
	return "Reference, never ranked."
}

// bootDelays are the delays of the objects, the least and the greatest.
func bootDelays(c *Column) string {
	if len(c.Objects) == 0 {
		return span(0)
	}
	least, greatest := c.Objects[0].BootDelay, c.Objects[0].BootDelay
	for i := range c.Objects {
		least, greatest = min(least, c.Objects[i].BootDelay), max(greatest, c.Objects[i].BootDelay)
	}
	if least == greatest {
		return span(least)
	}
	return span(least) + " to " + span(greatest)
}

func hasColumn(run *Run, column string) bool {
	for i := range run.Columns {
		if run.Columns[i].Name == column {
			return true
		}
	}
	return false
}

func staticPeak(o *Object, start, end int64) (asked, ready Steps) {
	peak := math.NaN()
	walk(start, end, []Steps{roundedUp(o.Needed)}, func(_, _ int64, v []float64) {
		if !(v[0] <= peak) && !math.IsNaN(v[0]) {
			peak = v[0]
		}
	})
	return constant(start, peak)
}

func staticMean(o *Object, start, end int64) (asked, ready Steps) {
	var counts, seconds []float64
	walk(start, end, []Steps{o.Needed}, func(from, to int64, v []float64) {
		if !math.IsNaN(v[0]) {
			counts, seconds = append(counts, v[0]), append(seconds, float64(to-from))
		}
	})
	if len(counts) == 0 {
		return Steps{}, Steps{}
	}
	return constant(start, roundUp(stat.Mean(counts, seconds)))
}

func foresight(o *Object, start, end int64) (asked, ready Steps) {
	best := newOracle(o, start, end)
	return best.asked, best.ready
}

func constant(start int64, count float64) (asked, ready Steps) {
	if math.IsNaN(count) {
		return Steps{}, Steps{}
	}
	s := Steps{T: []int64{start}, V: []float64{count}}
	return s, s
}
