package reports

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// headline answers the question of a report in one sentence: when did which
// target lack capacity, for how long, and why.
func (r *Report) headline() string {
	o := r.focus()
	if o == nil {
		return fmt.Sprintf("%s ran for %s; it has no autoscaler to judge.", r.Run.Name, longSpan(r.Run.End-r.Run.Start))
	}
	switch {
	case o.score.scored == 0:
		return fmt.Sprintf("%s ran %s for %s; what was needed is not known, so whether it lacked capacity is not either.",
			o.Label, rangePhrase(&o.score), longSpan(r.Run.End-r.Run.Start))
	case o.score.lacking == 0:
		return fmt.Sprintf("%s never lacked capacity in %s; it ran %s, %s in all, %s.",
			r.everyone(o), longSpan(r.Run.End-r.Run.Start), rangePhrase(&o.score), replicaHours(o.Figures.Get("replica_hours")), reversals(o.score.reversals))
	}
	worst := &o.Episodes[0]
	when := r.Run.clock().stretch(worst.Start, worst.End)
	amount, parts := o.causes()
	var sentence string
	if o.score.episodes == 1 {
		sentence = fmt.Sprintf("%s %s lacked capacity for %s", when, o.Label, amount)
	} else {
		sentence = fmt.Sprintf("%s lacked capacity for %s in %s episodes, worst %s", o.Label, amount, group(o.score.episodes), when)
	}
	return sentence + parts + r.others(o) + "."
}

// everyone names the target, or all of them where there are more.
func (r *Report) everyone(o *ObjectReport) string {
	switch n := len(r.Columns[r.primary].Objects); {
	case n == 2:
		return o.Label + ", like the other target,"
	case n > 2:
		return fmt.Sprintf("%s, like the other %s,", o.Label, group(int64(n-1)))
	}
	return o.Label
}

// others says how many more targets lacked capacity.
func (r *Report) others(focus *ObjectReport) string {
	count := int64(-1)
	for i := range r.Columns[r.primary].Objects {
		if r.Columns[r.primary].Objects[i].score.lacking > 0 {
			count++
		}
	}
	if count <= 0 {
		return ""
	}
	return fmt.Sprintf("; %s more %s lacked capacity too", group(count), plural(count, "target"))
}

func rangePhrase(s *score) string {
	switch {
	case math.IsNaN(s.largest):
		return "an unknown number of replicas"
	case s.largest == s.smallest:
		return number(s.largest) + " " + plural(int64(s.largest), "replica") + " throughout"
	}
	return number(s.smallest) + " to " + number(s.largest) + " replicas"
}

// signed writes a change with its sign.
func signed(v float64) string {
	if v < 0 {
		return "-" + number(-v)
	}
	return "+" + number(v)
}

func reversals(n int64) string {
	if n == 0 {
		return "without a reversal"
	}
	return "with " + group(n) + " " + plural(n, "reversal")
}

func replicaHours(v float64) string {
	text := number(v)
	if text == "1" {
		return text + " replica-hour"
	}
	return text + " replica-hours"
}

// causes are the time that lacked capacity, and its parts in whole units that
// add up to it.
func (o *ObjectReport) causes() (amount, parts string) {
	unit, name := int64(60), "min"
	if o.score.lacking < 120 {
		unit, name = 1, "s"
	}
	shares := phraseShares(o.Blame)
	counts := apportion(shares, unit)
	total := int64(0)
	var named []string
	only := 0
	for i, n := range counts {
		total += n
		if n > 0 {
			only++
			verb := " by "
			if len(named) == 0 {
				verb = " " + name + " caused by "
			}
			named = append(named, group(n)+verb+shares[i].phrase)
		}
	}
	amount = group(total) + " " + name
	switch {
	case only == 1 && shares[0].phrase == unknownPhrase:
		return amount, ""
	case only == 1 && len(shares) > 1:
		return amount, ", almost all of it caused by " + shares[0].phrase
	case only == 1:
		return amount, ", all of it caused by " + shares[0].phrase
	}
	return amount, "; " + strings.Join(named, ", ")
}

const unknownPhrase = "what is not known"

// phrase is how a sentence names a cause.
func (b *Blame) phrase() string {
	switch b.Cause {
	case Bound:
		return b.Detail
	case Rate:
		if b.Detail == "scale-up disabled" {
			return "disabled scale-up"
		}
	case NotCarriedOut:
		return "what was not carried out (" + b.Detail + ")"
	case Unknown:
		return unknownPhrase
	}
	return b.Cause.words()
}

type phraseShare struct {
	phrase  string
	cause   Cause
	seconds int64
}

// phraseShares adds up what a sentence gives one name, the largest share first.
func phraseShares(list []Blame) []phraseShare {
	var shares []phraseShare
	at := map[string]int{}
	for i := range list {
		phrase := list[i].phrase()
		if _, ok := at[phrase]; !ok {
			at[phrase] = len(shares)
			shares = append(shares, phraseShare{phrase: phrase, cause: list[i].Cause})
		}
		shares[at[phrase]].seconds += list[i].Seconds
	}
	sort.SliceStable(shares, func(i, j int) bool { return shares[i].seconds > shares[j].seconds })
	return shares
}

// apportion rounds shares to whole units so that they add up to the rounded
// total: what is left goes to the largest remainders.
func apportion(shares []phraseShare, unit int64) []int64 {
	var total int64
	counts := make([]int64, len(shares))
	order := make([]int, len(shares))
	for i := range shares {
		total += shares[i].seconds
		counts[i], order[i] = shares[i].seconds/unit, i
	}
	left := (total + unit/2) / unit
	for _, n := range counts {
		left -= n
	}
	sort.SliceStable(order, func(i, j int) bool { return shares[order[i]].seconds%unit > shares[order[j]].seconds%unit })
	for _, i := range order[:min(max(left, 0), int64(len(order)))] {
		counts[i]++
	}
	return counts
}

// trade says honestly what the variants change against current: lacking
// capacity, and cost or else replica-hours. Nothing is ranked that cannot be trusted.
func (r *Report) trade() string {
	current := r.Column(Current)
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
	if current == nil || len(variants) == 0 {
		return ""
	}
	if !r.Run.trusted() {
		return fmt.Sprintf("Variants are not ranked: replayed, the current policy gives the recorded replicas in only %s %% of slots%s (fewer than %d %%).",
			percentDown(r.Run.Fidelity.Percent), r.ofWhole(), MinFidelity)
	}
	if r.Run.Badge == OpenLoop {
		return "Variants are not ranked: in an open loop their own effect on the metrics is missing."
	}
	e := expenseOf(append(variants, current))
	best, saver := e.rank(current, variants)
	if best == nil {
		return "Variants cannot be ranked: what was needed or what ran is not known."
	}
	return e.tradePhrase(current, best, saver, len(variants))
}

// lack is how much capacity was missing, for however long: a long time with one
// replica too few is better than a short one with ten.
func (c *ColumnReport) lack() float64 { return c.Figures.Get("under_replica_hours") }

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

func (e expense) of(c *ColumnReport) float64 { return c.Figures.Get(string(e)) }

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

func (e expense) tradePhrase(current, best, saver *ColumnReport, count int) string {
	lack, change := best.lack()-current.lack(), e.of(best)-e.of(current)
	name := fmt.Sprintf("Variant %q", best.Name)
	if count > 1 {
		name = fmt.Sprintf("Of %d variants %q lacks least: it", count, best.Name)
	}
	less := fmt.Sprintf("lacks %s less", replicaHours(-lack))
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
		return fmt.Sprintf("%s lacks no more than current and %s.", name, e.saves(current, best))
	case saver != nil:
		return fmt.Sprintf("No variant lacks less: %q %s and lacks %s more.",
			saver.Name, e.saves(current, saver), replicaHours(saver.lack()-current.lack()))
	case lack == 0 && change == 0:
		return fmt.Sprintf("No variant improves on current: %q lacks as much and %s.", best.Name, asMuch)
	case lack == 0:
		return fmt.Sprintf("No variant improves on current: %q lacks as much and %s.", best.Name, e.takes(current, best))
	}
	return fmt.Sprintf("No variant improves on current: %q lacks %s more and %s.", best.Name, replicaHours(lack), e.takes(current, best))
}

// notes are the caller's, and what a zoom leaves out.
func (r *Report) notes() []string {
	run := r.Run
	if run.whole == nil {
		return run.Notes
	}
	c := run.clock()
	return append(append([]string{}, run.Notes...), fmt.Sprintf("The run covers %s to %s; this is a part of it. Expectations were judged over all of it.",
		c.full(run.whole.start), c.full(run.whole.end)))
}

// caveats are assumptions that the figures themselves show.
func (r *Report) caveats() []string {
	var list []string
	o := r.focus()
	if o != nil && o.score.scored > 0 && o.score.scored < r.Run.End-r.Run.Start {
		list = append(list, fmt.Sprintf("Demand or supply of %s is unknown for %s; that time is not judged.",
			o.Label, span(r.Run.End-r.Run.Start-o.score.scored)))
	}
	if o != nil {
		if need, ran := o.object.Needed.greatest(r.Run.Start, r.Run.End), r.figure(o).ran(); ran > 0 && need > absurd*ran {
			list = append(list, fmt.Sprintf("%s would have needed up to %s replicas, more than %d times what ever ran: if a sample is wrong there, so are the figures that rest on it. The drawing ends below.",
				o.Label, number(need), absurd))
		}
	}
	return list
}
