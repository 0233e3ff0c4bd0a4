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
	if s := o.saturation(r.Run.End - r.Run.Start); s != "" {
		return upperFirst(s) + ", where more may have been asked for than was served; " + r.verdict(o, false)
	}
	return r.verdict(o, false)
}

// verdict says of an object when it lacked capacity, for how long, and why; alone,
// it has no word of the others.
func (r *Report) verdict(o *ObjectReport, alone bool) string {
	whole := r.Run.End - r.Run.Start
	doubt := o.doubt(whole)
	switch {
	case o.score.scored == 0 && doubt != "":
		return fmt.Sprintf("%s; it ran %s for %s.", doubt, rangePhrase(&o.score), longSpan(whole))
	case o.score.scored == 0:
		return fmt.Sprintf("%s ran %s for %s; what was needed is not known, so whether it %s is not either.",
			o.Label, rangePhrase(&o.score), longSpan(whole), o.short().did)
	case o.score.lacking == 0:
		return r.sufficed(o, doubt, alone)
	}
	worst := &o.Episodes[0]
	when := clockOf(r.Run).stretch(worst.Start, worst.End)
	amount, parts := o.causes()
	did := o.short().did
	var sentence string
	switch {
	case doubt != "" && o.score.episodes == 1:
		sentence = fmt.Sprintf("%s; it %s for %s, %s", doubt, did, amount, when)
	case doubt != "":
		sentence = fmt.Sprintf("%s; it %s for %s in %s episodes, worst %s", doubt, did, amount, group(o.score.episodes), when)
	case o.score.episodes == 1:
		sentence = fmt.Sprintf("%s %s %s for %s", when, o.Label, did, amount)
	default:
		sentence = fmt.Sprintf("%s %s for %s in %s episodes, worst %s", o.Label, did, amount, group(o.score.episodes), when)
	}
	if !alone {
		parts += r.others(o)
	}
	return sentence + parts + r.gain(o) + "."
}

// sufficed is the headline where nothing was short in the time that could be
// judged. Only of the whole time it says never.
func (r *Report) sufficed(o *ObjectReport, doubt string, alone bool) string {
	everyone := r.everyone(o)
	if alone {
		everyone = o.Label
	}
	whole := r.Run.End - r.Run.Start
	ran := fmt.Sprintf("it ran %s, %s in all, %s.", rangePhrase(&o.score), replicaHours(o.Figures.Get("replica_hours")), reversals(o.score.reversals))
	unjudged := whole - o.score.scored
	switch {
	case doubt != "" && unjudged*100 > whole:
		return fmt.Sprintf("%s; in the other %s it %s; %s", doubt, longSpan(o.score.scored), o.short().none, ran)
	case doubt != "":
		return fmt.Sprintf("%s; it %s; %s", doubt, o.short().none, ran)
	case o.score.saturated > 0:
		return fmt.Sprintf("for what was served %s %s; %s", everyone, o.short().none, ran)
	case unjudged > 0:
		return fmt.Sprintf("%s %s in the %s that could be judged; %s", everyone, o.short().none, longSpan(o.score.scored), ran)
	}
	return fmt.Sprintf("%s %s in %s; %s", everyone, o.short().never, longSpan(whole), ran)
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
	return fmt.Sprintf("; %s more %s %s too", group(count), plural(count, "target"), r.shorts(focus))
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

// causes are the time that lacked capacity, and its parts, which add up to it as
// they are shown.
func (o *ObjectReport) causes() (amount, parts string) {
	shares := foremost(phraseShares(o.Causes))
	unit := unitOf(o.score.lacking)
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
				verb = " " + unit.name() + " caused by "
			}
			named = append(named, unit.count(n)+verb+shares[i].phrase)
		}
	}
	amount = unit.count(total) + " " + unit.name()
	switch {
	case only == 1 && shares[0].cause == NotExplained:
		return amount, ""
	case only == 1 && len(shares) > 1:
		return amount, ", almost all of it caused by " + shares[0].phrase
	case only == 1:
		return amount, ", all of it caused by " + shares[0].phrase
	}
	return amount, "; " + strings.Join(named, ", ")
}

// lagDetail is the part of metric lag that has nine tenths of it, in parentheses;
// empty where none has.
func lagDetail(list []CauseTime, all int64) string {
	for i := range list {
		if c := &list[i]; c.Cause == MetricLag && c.Detail != "" && c.Seconds*10 >= all*9 {
			return " (" + c.Detail + ")"
		}
	}
	return ""
}

// mostNamed is how many causes a sentence names.
const mostNamed = 4

// foremost adds up the smallest shares where there are more than a sentence names.
func foremost(shares []phraseShare) []phraseShare {
	if len(shares) <= mostNamed {
		return shares
	}
	rest := phraseShare{phrase: "other causes"}
	for _, s := range shares[mostNamed-1:] {
		rest.seconds += s.seconds
	}
	return append(shares[:mostNamed-1:mostNamed-1], rest)
}

// phrase returns how a sentence names a cause.
func (b *CauseTime) phrase() string {
	switch {
	case b.Cause == Bound:
		return b.Detail
	case b.Cause == Rate && b.Detail == "scale-up disabled":
		return "disabled scale-up"
	case b.Cause == NotCarriedOut && b.Detail != "":
		return b.Cause.words() + " (" + b.Detail + ")"
	case b.Cause == NotExplained:
		return "what is not explained"
	case b.Cause == NoNode && b.Detail != "":
		return b.Cause.words() + " (" + b.Detail + ")"
	}
	return b.Cause.words()
}

type phraseShare struct {
	phrase  string
	cause   Cause
	seconds int64
}

// detailed returns how a list of causes names one: as a sentence does, and which part
// of metric lag it was.
func (b *CauseTime) detailed() string {
	if b.Cause == MetricLag && b.Detail != "" {
		return b.Cause.words() + " (" + b.Detail + ")"
	}
	return b.phrase()
}

// phraseShares adds up what a sentence gives one name, the largest share first.
func phraseShares(list []CauseTime) []phraseShare {
	shares := sharesBy(list, (*CauseTime).phrase)
	for i := range shares {
		if shares[i].cause == MetricLag {
			shares[i].phrase += lagDetail(list, shares[i].seconds)
		}
	}
	return shares
}

// sharesBy adds up what has one name, the largest share first.
func sharesBy(list []CauseTime, name func(*CauseTime) string) []phraseShare {
	var shares []phraseShare
	at := map[string]int{}
	for i := range list {
		phrase := name(&list[i])
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
func apportion(shares []phraseShare, u unit) []int64 {
	var total int64
	unit := int64(u)
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

// notes are the caller's, and what a zoom leaves out.
func (r *Report) notes() []string {
	run := r.Run
	c := clockOf(run)
	list := append(slices.Clone(run.Notes), r.failures(c)...)
	if run.Whole == nil {
		return list
	}
	return append(list, fmt.Sprintf("The run covers %s to %s; this is a part of it. Expectations were judged over all of it.",
		c.full(run.Whole.Start), c.full(run.Whole.End)))
}

// failures returns which decisions of other autoscalers were not carried out.
func (r *Report) failures(c clock) []string {
	var list []string
	for i := range r.Run.Columns {
		for _, f := range r.Run.Columns[i].Failures {
			text := fmt.Sprintf("Column %s: %s %s of %s not carried out (%s), first at %s", r.Run.Columns[i].Name, group(f.Count), plural(f.Count, "decision"), f.Object, f.Code, c.full(f.First))
			if f.Detail != "" {
				text += ": " + f.Detail
			}
			list = append(list, text+".")
		}
	}
	return list
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
		if need, ran := greatestOf(o.object.Needed, r.Run.Start, r.Run.End), r.figure(o).ran(); ran > 0 && need > absurd*ran {
			list = append(list, fmt.Sprintf("%s would have needed up to %s replicas, more than %d times what ever ran: if a sample is wrong there, so are the figures that rest on it. The drawing ends below.",
				o.Label, number(need), absurd))
		}
	}
	return list
}
