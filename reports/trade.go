package reports

import (
	"fmt"
	"math"
	"slices"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// trade says honestly what the variants change against current: lacking
// capacity, and cost or else replica-hours. Nothing is ranked that cannot be trusted.
func (r *Report) trade() string {
	current := r.Column(Current)
	variants := r.variants()
	if current == nil || len(variants) == 0 {
		return ""
	}
	if why := r.Unranked(); why != "" {
		return "Variants are not ranked: " + why + "."
	}
	e := expenseOf(append(variants, current))
	best, saver := e.rank(current, variants)
	if best == nil {
		return "Variants cannot be ranked: what was needed or what ran is not known."
	}
	return e.tradePhrase(r.shortOfAll(), current, best, saver, len(variants))
}

// bestName is the column that a reader is to look at first, of the current policy and its
// variants: the one that lacks least, or of equals takes least. It is empty where there
// is nothing to compare, or nothing may be ranked.
func (r *Report) bestName() string {
	current := r.Column(Current)
	variants := r.variants()
	if current == nil || len(variants) == 0 || r.Unranked() != "" {
		return ""
	}
	best, _ := expenseOf(append(variants, current)).rank(current, append([]*ColumnReport{current}, variants...))
	if best == nil {
		return ""
	}
	return best.Name
}

// variants are the columns that somebody asked for besides the current policy.
func (r *Report) variants() []*ColumnReport {
	var variants []*ColumnReport
	for i := range r.Columns {
		switch r.Columns[i].Name {
		case Recorded, Current, Baseline:
			continue
		}
		if !r.Run.Columns[i].Reference {
			variants = append(variants, &r.Columns[i])
		}
	}
	return variants
}

// Unranked says why what other policies would have done is not told, in a clause;
// empty where it is.
func (r *Report) Unranked() string {
	if bad := r.Run.Fidelity.Unfaithful(); bad != nil {
		return "the current policy, replayed, is not what ran: " + bad.Unfaithful + r.ofWhole()
	}
	if why := r.censored(); why != "" {
		return why
	}
	switch {
	case len(r.Run.Doubts) > 0:
		return r.Run.Doubts[0].String()
	case r.Run.Loop == result.OpenLoop:
		return "in an open loop the effect of the replicas on the metrics is missing"
	}
	return ""
}

// lack is how much capacity was missing, for however long: a long time with one
// replica too few is better than a short one with ten.
func (c *ColumnReport) lack() float64 { return c.weighed("under_replica_hours") }

// weighed is a figure by which columns are weighed: without node groups where there
// are pods, too.
func (c *ColumnReport) weighed(metric string) float64 {
	if c.pods != nil {
		return c.pods.Get(metric)
	}
	return c.Figures.Get(metric)
}

// priced says whether a column's cost is known.
func (c *ColumnReport) priced() bool { return !math.IsNaN(c.Figures.Get("cost")) }

// An expense is the metric that columns are weighed by besides what they lack.
type expense string

// expenseOf is the cost where all columns have prices, since replica-hours of pods
// and of the nodes that they run on do not add up; else it is replica-hours.
func expenseOf(columns []*ColumnReport) expense {
	if slices.ContainsFunc(columns, func(c *ColumnReport) bool { return !c.priced() }) {
		return "replica_hours"
	}
	return "cost"
}

func (e expense) of(c *ColumnReport) float64 {
	if e == "cost" {
		return c.Figures.Get(string(e))
	}
	return c.weighed(string(e))
}

// rank finds the variant that lacks the fewest replica-hours (of equals the one
// that takes least), and the one that saves most; each is nil where there
// is none.
func (e expense) rank(current *ColumnReport, variants []*ColumnReport) (best, saver *ColumnReport) {
	if math.IsNaN(current.lack()) || math.IsNaN(e.of(current)) {
		return nil, nil
	}
	for _, v := range variants {
		if math.IsNaN(v.lack()) || math.IsNaN(e.of(v)) {
			continue
		}
		if best == nil || v.lack() < best.lack() || v.lack() == best.lack() && e.of(v) < e.of(best) {
			best = v
		}
		if e.of(v) < e.of(current) && (saver == nil || e.of(v) < e.of(saver) || e.of(v) == e.of(saver) && v.lack() < saver.lack()) {
			saver = v
		}
	}
	return best, saver
}

// takes is the change from one column to another after the verb.
func (e expense) takes(from, to *ColumnReport) string {
	change, more := e.of(to)-e.of(from), "more"
	if change < 0 {
		more = "less"
	}
	if e == "cost" {
		return fmt.Sprintf("costs %s %s%s", number(math.Abs(change)), more, e.percent(from, change))
	}
	return fmt.Sprintf("takes %s %s%s", replicaHours(math.Abs(change)), more, e.percent(from, change))
}

// saves is the same where the expense is less.
func (e expense) saves(from, to *ColumnReport) string {
	if e == "cost" {
		return e.takes(from, to)
	}
	change := e.of(to) - e.of(from)
	return fmt.Sprintf("saves %s%s", replicaHours(-change), e.percent(from, change))
}

// percent is a change of the expense in relation to all of it.
func (e expense) percent(from *ColumnReport, change float64) string {
	if e.of(from) == 0 {
		return ""
	}
	return " (" + signed(100*change/e.of(from)) + " %)"
}

func (e expense) tradePhrase(short shortfall, current, best, saver *ColumnReport, count int) string {
	lack, change := best.lack()-current.lack(), e.of(best)-e.of(current)
	name := fmt.Sprintf("Variant %q", best.Name)
	by := short.by
	if count > 1 {
		name = fmt.Sprintf("Of %d variants %q %s least: it", count, best.Name, short.does)
		by = short.again
	}
	less := fmt.Sprintf("%s %s less", by, replicaHours(-lack))
	same, asMuch := "for the same replica-hours", "takes as many replica-hours"
	if e == "cost" {
		same, asMuch = "at the same cost", "costs as much"
	}
	switch {
	case lack < 0 && change < 0:
		return fmt.Sprintf("%s %s and %s: better in both.", name, less, e.takes(current, best))
	case lack < 0 && change == 0:
		return fmt.Sprintf("%s %s, %s.", name, less, same)
	case lack < 0:
		return fmt.Sprintf("%s %s, and %s.", name, less, e.takes(current, best))
	case lack == 0 && change < 0:
		return fmt.Sprintf("%s %s no more than current and %s.", name, short.does, e.saves(current, best))
	case saver != nil:
		return fmt.Sprintf("No variant %s less: %q %s and %s %s more.",
			short.does, saver.Name, e.saves(current, saver), short.by, replicaHours(saver.lack()-current.lack()))
	case lack == 0 && change == 0:
		return fmt.Sprintf("No variant improves on current: %q %s as much and %s.", best.Name, short.does, asMuch)
	case lack == 0:
		return fmt.Sprintf("No variant improves on current: %q %s as much and %s.", best.Name, short.does, e.takes(current, best))
	}
	return fmt.Sprintf("No variant improves on current: %q %s %s more and %s.", best.Name, short.by, replicaHours(lack), e.takes(current, best))
}
