package fleet

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// An Audit holds what went wrong with each autoscaler of a fleet over a recording, and
// what it cost.
type Audit struct {
	Schema  int    `json:"schema"`
	Version string `json:"version,omitempty"`
	Command string `json:"command,omitempty"`
	// From and To bound the time that is judged, RFC 3339.
	From string `json:"from"`
	To   string `json:"to"`
	// Partial says why rows are missing; empty where none is.
	Partial string `json:"partial,omitempty"`
	// Rows are ranked: by breach, then by idle replica-hours; those that cannot be
	// judged come last.
	Rows []Finding `json:"rows"`
}

// A Finding holds what an audit says of the autoscaler of one target.
type Finding struct {
	// Object names the autoscaler: shop/hpa/web; several with commas.
	Object string `json:"object"`
	// Unjudged says why nothing is known of it; empty where the figures are.
	Unjudged string `json:"unjudged,omitempty"`
	// Unread says that Prometheus did not give the metrics of the object, so that a
	// second attempt may.
	Unread bool `json:"unread,omitempty"`
	// Of says whose figures these are: recorded, or current, the policy replayed,
	// where no replicas were recorded.
	Of string `json:"of,omitempty"`
	// Yardstick says what a breach means.
	Yardstick result.Kind     `json:"yardstick,omitempty"`
	Figures   reports.Figures `json:"figures,omitempty"`
	// AtMaxHours and AtMinHours are how long the count was at the policy's bounds.
	AtMaxHours float64 `json:"atMaxHours"`
	AtMinHours float64 `json:"atMinHours"`
	// Causes has the causes of the breach of the policy replayed, longest first.
	Causes []Cause `json:"causes,omitempty"`
	// Doubts say what the figures rest on or leave out, a clause each.
	Doubts []string `json:"doubts,omitempty"`
	// Advice is the one change that would help most; nil where none is known.
	Advice *Advice `json:"advice,omitempty"`
	File   string  `json:"file,omitempty"`
	Line   int     `json:"line,omitempty"`
}

// An Advice is a change, played over the same recording.
type Advice struct {
	Change string `json:"change"`
	// BreachMinutes are left with it, of ReplayedMinutes without.
	BreachMinutes   float64 `json:"breachMinutes"`
	ReplayedMinutes float64 `json:"replayedMinutes"`
	// MoreReplicaHours is the price of it in replica-hours.
	MoreReplicaHours float64 `json:"moreReplicaHours"`
	// Patch applies it to the object as it is written; NoPatch says why there is none.
	Patch   string `json:"patch,omitempty"`
	NoPatch string `json:"noPatch,omitempty"`
}

// auditFigures are the figures of a finding.
var auditFigures = []string{"breach_minutes", "breach_episodes", "replica_hours", "over_replica_hours", "cost", "reversals", "largest_replicas"}

// Fill takes the figures of a finding from the report on its replay.
func (f *Finding) Fill(r *reports.Report) {
	f.Yardstick = kindOf(r)
	current := r.Column(reports.Current)
	of, at := current, columnAt(r.Run, reports.Current)
	if recorded := r.Column(reports.Recorded); recorded != nil {
		of, at = recorded, columnAt(r.Run, reports.Recorded)
	}
	f.Of = of.Name
	f.Figures = reports.Figures{}
	for _, name := range auditFigures {
		if v := of.Figures.Get(name); !math.IsNaN(v) {
			f.Figures[name] = v
		}
	}
	for i := range at.Objects {
		o := &at.Objects[i]
		most, least := o.MaxReplicas, o.MinReplicas
		if p := policyOf(current, o.Journal.String()); p != nil {
			most, least = orAlways(most, p.Max), orAlways(least, p.Min)
		}
		f.AtMaxHours += hoursAt(o.Spec, most, r.Run.Start, r.Run.End)
		f.AtMinHours += hoursAt(o.Spec, least, r.Run.Start, r.Run.End)
	}
	f.Causes = causes(current.Causes, nil)
	if why := r.Unranked(); why != "" {
		f.Doubts = append(f.Doubts, why)
	}
	f.Doubts = append(f.Doubts, misfit(r)...)
	if held := current.Figures.Get("held_minutes"); held > 0 {
		f.Doubts = append(f.Doubts, fmt.Sprintf("for %s min the policy had no metric or target to go by", reports.Number(held)))
	}
	if f.Of != reports.Recorded {
		f.Doubts = append(f.Doubts, "no replicas were recorded: these are the figures of the policy replayed")
	}
	if _, ok := f.Figures["breach_minutes"]; !ok {
		f.Doubts = append(f.Doubts, "what was needed is not known")
	}
}

// misfit says where the policy, replayed, is so far from what ran that its causes and its
// changes need not be those of what ran.
func misfit(r *reports.Report) []string {
	f := r.Run.Fidelity
	if f == nil || f.Unfaithful() != nil || f.Slots == 0 || f.MeanError <= mostError*f.MeanRecorded {
		return nil
	}
	return []string{fmt.Sprintf("the policy replayed decides as recorded at %s %% of the slots, %s replicas off on average: causes and change are the replay's",
		reports.Number(math.Floor(f.Percent*10)/10), reports.Number(f.MeanError))}
}

// mostError is the mean error of a replay that fits, as a share of the mean count.
const mostError = 0.05

func columnAt(run *reports.Run, name string) *reports.Column {
	i := slices.IndexFunc(run.Columns, func(c reports.Column) bool { return c.Name == name })
	return &run.Columns[i]
}

func policyOf(c *reports.ColumnReport, object string) *policy.Autoscaler {
	for i := range c.Objects {
		if c.Objects[i].Object.String() == object {
			return c.Objects[i].Policy
		}
	}
	return nil
}

// orAlways is a bound as it was recorded, or else that of the policy.
func orAlways(recorded result.Steps, bound int32) result.Steps {
	if recorded.Known() {
		return recorded
	}
	return result.Steps{T: []int64{math.MinInt64}, V: []float64{float64(bound)}}
}

// hoursAt is how long a count was at a bound.
func hoursAt(counts, bound result.Steps, start, end int64) float64 {
	var seconds int64
	for at := start; at < end; {
		next := min(nextStep(counts, at), nextStep(bound, at), end)
		if counts.At(at) == bound.At(at) {
			seconds += next - at
		}
		at = next
	}
	return float64(seconds) / 3600
}

// nextStep is the first instant after another one at which a function changes.
func nextStep(s result.Steps, after int64) int64 {
	i := sort.Search(len(s.T), func(i int) bool { return s.T[i] > after })
	if i == len(s.T) {
		return math.MaxInt64
	}
	return s.T[i]
}

// Advise takes the fix that leaves least breach alone, if it leaves less than the run
// has and a policy has a field for it. Of equals the cheaper one counts.
func (f *Finding) Advise(r *reports.Report, fixes []result.Fix) *result.Fix {
	var best *result.Fix
	for i := range fixes {
		x := &fixes[i]
		if len(x.Set) == 0 {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(x.Alone.Seconds, best.Alone.Seconds), cmp.Compare(x.Alone.MoreHours, best.Alone.MoreHours)) < 0 {
			best = x
		}
	}
	replayed := r.Column(reports.Current).Figures.Get("breach_minutes")
	if best == nil || float64(best.Alone.Seconds)/60 > 0.99*replayed {
		return nil
	}
	f.Advice = &Advice{
		Change: reports.FixPhrase(best), BreachMinutes: float64(best.Alone.Seconds) / 60, ReplayedMinutes: replayed,
		MoreReplicaHours: best.Alone.MoreHours,
	}
	return best
}

// Finish ranks the rows.
func (a *Audit) Finish() {
	a.Schema = 1
	if a.Rows == nil {
		a.Rows = []Finding{}
	}
	breach := func(f *Finding) float64 { return zeroed(f.Figures.Get("breach_minutes")) }
	idle := func(f *Finding) float64 { return zeroed(f.Figures.Get("over_replica_hours")) }
	slices.SortStableFunc(a.Rows, func(x, y Finding) int {
		if (x.Unjudged == "") != (y.Unjudged == "") {
			return cmp.Compare(len(x.Unjudged), len(y.Unjudged))
		}
		return cmp.Or(cmp.Compare(breach(&y), breach(&x)), cmp.Compare(idle(&y), idle(&x)), cmp.Compare(x.Object, y.Object))
	})
}

// Headline sums an audit up in a sentence or two.
func (a *Audit) Headline() string {
	lacked, above := tally{}, tally{}
	unjudged, idle := 0, 0.0
	for i := range a.Rows {
		f := &a.Rows[i]
		if f.Unjudged != "" {
			unjudged++
			continue
		}
		minutes := zeroed(f.Figures.Get("breach_minutes"))
		if f.Yardstick == result.Target {
			above.add(minutes)
		} else {
			lacked.add(minutes)
		}
		idle += zeroed(f.Figures.Get("over_replica_hours"))
	}
	text := fmt.Sprintf("%s from %s to %s: %s; %s; %s replica-hours were idle",
		counted(len(a.Rows), "autoscaler"), a.From, a.To, lacked.text("lacked capacity"), above.text("ran above the target"), reports.Number(idle))
	if unjudged > 0 {
		text += fmt.Sprintf("; %d could not be judged", unjudged)
	}
	if a.Partial != "" {
		return "Partial: " + a.Partial + ". " + text + "."
	}
	return text + "."
}

// A tally counts autoscalers that breached, and adds up for how long.
type tally struct {
	n       int
	minutes float64
}

func (t *tally) add(minutes float64) {
	if minutes > 0 {
		t.n++
		t.minutes += minutes
	}
}

func (t *tally) text(did string) string {
	if t.n == 0 {
		return "none " + did
	}
	return fmt.Sprintf("%d %s, for %s min in all", t.n, did, reports.Number(t.minutes))
}
