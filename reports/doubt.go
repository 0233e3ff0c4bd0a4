package reports

import (
	"fmt"
	"math"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// codes are seconds by what could not be observed meanwhile; OK where it is not
// the metrics nor the target.
type codes map[observation.Code]int64

func (c codes) add(code observation.Code, seconds int64) {
	if seconds > 0 {
		c[code] += seconds
	}
}

func (c codes) merge(o codes) {
	for code, seconds := range o {
		c[code] += seconds
	}
}

func (c codes) total() int64 {
	var sum int64
	for _, seconds := range c {
		sum += seconds
	}
	return sum
}

// most is the code of most of the time; of equals the first by name.
func (c codes) most() observation.Code {
	all := make([]observation.Code, 0, len(c))
	for code := range c {
		all = append(all, code)
	}
	slices.Sort(all)
	most := observation.OK
	for i, code := range all {
		if i == 0 || c[code] > c[most] {
			most = code
		}
	}
	return most
}

// doubt returns what a headline begins with where more than 1 % of the time could not
// be judged, or was spent under decisions that had nothing to go by; empty for
// less.
func (o *ObjectReport) doubt(whole int64) string {
	held, unjudged := o.score.held.total(), whole-o.score.scored
	switch {
	case held >= whole-firstSlot(o) && held > 0:
		return fmt.Sprintf("The policy of %s never decided: %s", o.Label, wrong(o.score.held.most(), true))
	case o.score.scored > 0 && unjudged*100 > whole:
		return fmt.Sprintf("%s could not be judged for %s: %s", o.Label, part(unjudged, whole), wrong(o.score.unjudged.most(), false))
	case held*100 > whole:
		return fmt.Sprintf("%s could not decide for %s: %s", o.Label, part(held, whole), wrong(o.score.held.most(), false))
	}
	return ""
}

// saturation says for how long the recording hides demand; empty where it never does.
func (o *ObjectReport) saturation(whole int64) string {
	if o.score.saturated == 0 {
		return ""
	}
	return "the recording was saturated for " + part(o.score.saturated, whole)
}

// censored says that a recording hides demand, in a clause; empty where none does.
func (r *Report) censored() string {
	for i := range r.Columns[r.primary].Objects {
		o := &r.Columns[r.primary].Objects[i]
		if s := o.saturation(r.Run.End - r.Run.Start); s != "" {
			return fmt.Sprintf("%s%s, and shows what was served then, not what was asked for; name what arrived with --demand and --capacity", s, r.of(o))
		}
	}
	return ""
}

// of names an object where there are several.
func (r *Report) of(o *ObjectReport) string {
	if len(r.Columns[r.primary].Objects) == 1 {
		return ""
	}
	return " for " + o.Label
}

// atLeast says whether a column's figures of demand are lower bounds, since the
// recording hides some of it.
func (r *Report) atLeast(column int) bool {
	c := &r.Columns[column]
	return c.Name != Recorded && slices.ContainsFunc(c.Objects, func(o ObjectReport) bool { return o.score.saturated > 0 })
}

// firstSlot is the most time that passes before the first decision.
func firstSlot(o *ObjectReport) int64 {
	if o.Policy == nil {
		return 0
	}
	return int64(o.Policy.Interval)
}

// part is a share of a time, in minutes where that says enough, in whole ones from ten
// minutes on.
func part(seconds, whole int64) string {
	if seconds < 120 {
		return span(seconds) + " of " + span(whole)
	}
	shown := func(seconds int64) string {
		if seconds >= 600 {
			return number(math.Round(minutes(seconds)))
		}
		return number(minutes(seconds))
	}
	return fmt.Sprintf("%s of %s min", shown(seconds), shown(whole))
}

// wrong says in words what a code means of the time that it stands for, with the
// cure if asked for and there is one.
func wrong(code observation.Code, cure bool) string {
	text, help := "", ""
	switch code {
	case observation.OK:
		return "what was needed is not known"
	case observation.Empty:
		text, help = "the metric was missing", "check that its query matches what is scraped"
	case observation.ManySeries:
		text, help = "the metric gave several series", "aggregate it in the query, with sum(...) or max(...) without by"
	case observation.NaN, observation.Infinite, observation.Negative, observation.OutOfRange, observation.WrongType:
		text, help = "the metric was no usable number ("+string(code)+")", "mend its query"
	case invalidPolicy:
		return "the policy is invalid"
	case observation.BadQuery:
		text, help = "the query of the metric could not be executed", "mend it"
	case observation.Incomplete:
		text, help = "the answer of Prometheus was incomplete", "check its stores"
	case observation.NoReplicas:
		text = "no replica was ready to relate the metric to"
	case observation.Contested:
		text, help = "another autoscaler acts on the same target", "remove one of them or set its dryRun"
	default:
		text = "the metrics or the target could not be read (" + string(code) + ")"
	}
	if cure && help != "" {
		return text + "; " + help
	}
	return text
}

// A shortfall is how sentences speak of too few replicas.
type shortfall struct {
	did, never, none string
	// time follows an amount of it; does is the present, in the singular, and takes
	// replica-hours behind by.
	time, does, by string
	// again is by where does stands in front.
	again string
}

var (
	lacked = shortfall{did: "lacked capacity", never: "never lacked capacity", none: "lacked no capacity", time: "lacking", does: "lacks", by: "lacks", again: "lacks"}
	above  = shortfall{did: "ran above its target", never: "never ran above its target", none: "stayed within its target", time: "above target", does: "runs above its target", by: "runs above its target by", again: "does so by"}
)

// shortOfAll is how to speak of all targets of the primary column together.
func (r *Report) shortOfAll() shortfall {
	c := &r.Columns[r.primary]
	short := lacked
	for i := range c.Objects {
		if i == 0 {
			short = c.Objects[i].short()
		}
		if c.Objects[i].short() != short {
			return lacked
		}
	}
	return short
}

// short is how to speak of an object's: only a yardstick of capacity, or a
// world that has one, tells that capacity was lacking.
func (o *ObjectReport) short() shortfall { return shortOf(&o.object) }

// AboveTarget says whether an object of the primary column with too few replicas runs
// above its target, and does not lack capacity.
func (r *Report) AboveTarget(object journal.Object) bool {
	o := r.Columns[r.primary].object(object)
	return o != nil && o.short() == above
}

func shortOf(o *Object) shortfall {
	for _, y := range o.Yardsticks {
		if y.Kind == result.Target {
			return above
		}
	}
	return lacked
}

// shorts says it of several objects of the primary column.
func (r *Report) shorts(focus *ObjectReport) string {
	c := &r.Columns[r.primary]
	for i := range c.Objects {
		if c.Objects[i].short() != focus.short() {
			return "fell short"
		}
	}
	if focus.short() == above {
		return "ran above their targets"
	}
	return focus.short().did
}
