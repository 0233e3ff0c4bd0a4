package reports

import (
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A Report is a run with its figures.
type Report struct {
	Run *Run
	// Headline answers the question in one sentence; Trade says what the
	// variants change, empty where there are none.
	Headline, Trade string
	Columns         []ColumnReport
	// Runs are the runs of equal decisions of the primary column, at most 500
	// of AllRuns.
	Runs    []DecisionRun
	AllRuns int64
	// primary is the index of the column that the headline is about, worst that
	// of its object that lacked most.
	primary, worst int
}

// A ColumnReport is one column's figures, of all objects together and each.
type ColumnReport struct {
	Name    string
	Figures Figures
	Causes  []CauseTime
	Objects []ObjectReport
	Digest  string
	// pods are the figures without node groups, whose nodes do not add up with the
	// pods that they carry; nil where there is nothing else, or no node group.
	pods Figures
}

// An ObjectReport is one object's figures in one column.
type ObjectReport struct {
	Object journal.Object
	// Label is the shortest name that tells it apart.
	Label   string
	Target  string
	Figures Figures
	Causes  []CauseTime
	// Episodes are the worst five, worst first.
	Episodes []Episode
	// Policy is the last one in force.
	Policy *policy.Autoscaler
	// Decided are the counts decided; the replicas asked for where no
	// decisions are known.
	Decided Steps
	// object has the replicas, with the needed ones rounded up.
	object Object
	score  score
	// watch has the metrics and bounds of the policy, of the primary column only.
	watch watch
}

// Compute makes all figures of a run, streaming each column's records once, the columns
// at the same time, and judges its expectations on them.
func Compute(run *Run) (*Report, error) {
	if err := run.Check(); err != nil {
		return nil, err
	}
	r := &Report{Run: run, primary: primaryColumn(run)}
	labels, list := labelsOf(run), &runs{}
	r.Columns = make([]ColumnReport, len(run.Columns))
	errs := make([]error, len(run.Columns)) // the first column's is told, whichever failed first
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range run.Columns {
		group.Go(func() error {
			var own *runs
			if i == r.primary {
				own = list
			}
			column, err := computeColumn(run, &run.Columns[i], labels, own)
			if err != nil {
				errs[i] = fmt.Errorf("run %s: column %s: %w", run.Name, run.Columns[i].Name, err)
				return nil
			}
			r.Columns[i] = *column
			return nil
		})
	}
	_ = group.Wait() // errs has all errors
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	r.Runs, r.AllRuns = list.list(), list.total
	r.worst = worstObject(&r.Columns[r.primary])
	r.judge()
	r.Headline, r.Trade = r.headline(), r.trade()
	return r, nil
}

// judge judges the expectations on the report that are pending.
func (r *Report) judge() {
	for i := range r.Run.Expectations {
		e := &r.Run.Expectations[i]
		if !e.Pending {
			continue
		}
		passed, detail, err := r.Evaluate(e.Expr)
		if err != nil {
			passed, detail = false, err.Error()
		}
		e.Pending, e.Passed = false, passed
		if !passed {
			e.Message = detail
		}
	}
}

// primaryColumn is current, else the first variant, else what was recorded.
func primaryColumn(run *Run) int {
	best := 0
	for i := range run.Columns {
		if run.Columns[i].Name == Current {
			return i
		}
		if run.Columns[best].Name == Recorded && !run.Columns[i].Reference {
			best = i
		}
	}
	return best
}

func computeColumn(run *Run, column *Column, labels map[journal.Object]string, list *runs) (*ColumnReport, error) {
	scorers := make([]*scorer, len(column.Objects))
	byObject := map[journal.Object]*scorer{}
	scalers := map[journal.Object]*policy.Autoscaler{}
	for i := range column.Objects {
		o := &column.Objects[i]
		scorers[i] = newScorer(run, o, labels[o.Journal], column.Journal != nil, list)
		scorers[i].scalers = scalers
		if list != nil {
			scorers[i].watch = newWatch(metricsOf(column), run.End-run.Start)
		}
		byObject[o.Journal] = scorers[i]
		if p := o.Policy; p != nil && p.Target.Kind == journal.ScalableNodeGroup {
			scalers[journal.Object{Kind: journal.ScalableNodeGroup, Namespace: o.Journal.Namespace, Name: p.Target.Name}] = p
		}
	}
	if column.Journal != nil {
		refused := refusals{}
		err := column.Journal(func(l *journal.Line) error { return follow(l, scorers, byObject, refused) })
		if err != nil {
			return nil, err
		}
	}
	report := &ColumnReport{Name: column.Name, Digest: column.Digest}
	total, pods := newScore(), newScore()
	groups := 0
	for _, s := range scorers {
		s.finish()
		total.add(&s.score)
		report.Objects = append(report.Objects, s.report())
		if report.Objects[len(report.Objects)-1].isNodeGroup() {
			groups++
		} else {
			pods.add(&s.score)
		}
	}
	if groups > 0 && groups < len(scorers) {
		report.pods = pods.figures()
	}
	report.Figures, report.Causes = total.figures(), sortCauses(total.causes)
	return report, nil
}

// follow takes a line of the journal to whom it concerns. A record of a
// producer concerns nobody, that of a node group whoever waits for its nodes.
func follow(l *journal.Line, scorers []*scorer, byObject map[journal.Object]*scorer, refused refusals) error {
	if l.Outcome != nil {
		if s := byObject[l.Outcome.Object]; s != nil {
			s.outcome(l.Outcome)
		}
		return nil
	}
	if l.Record.Kind == journal.ScalableNodeGroup {
		state := refused.state(l.Record)
		for _, s := range scorers {
			s.provider(int64(l.Record.Slot), l.Record.Object, state)
		}
	}
	if s := byObject[l.Record.Object]; s != nil {
		return s.record(l.Record)
	}
	return nil
}

func (s *scorer) report() ObjectReport {
	object := *s.object
	object.Needed, object.Demand = s.needed.steps, s.told()
	o := ObjectReport{
		Object: object.Journal, Label: s.label, Target: object.Target.Name,
		Figures: s.score.figures(), Causes: sortCauses(s.score.causes), Episodes: s.episodes.worst,
		Policy: s.policy, Decided: s.decided, object: object, score: s.score,
	}
	if s.watch != nil {
		o.watch = *s.watch
	}
	return o
}

// worstObject is the one that lacked capacity longest; of equals the one that
// lacked most, then the first.
func worstObject(c *ColumnReport) int {
	worst := 0
	for i := range c.Objects {
		a, b := c.Objects[i].Figures, c.Objects[worst].Figures
		x, y := orZero(a.Get("breach_minutes")), orZero(b.Get("breach_minutes"))
		if x > y || x == y && orZero(a.Get("under_replica_hours")) > orZero(b.Get("under_replica_hours")) {
			worst = i
		}
	}
	return worst
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// labelsOf names every object of the run as briefly as tells them apart: the
// target or name, then with namespace, then in full.
func labelsOf(run *Run) map[journal.Object]string {
	var objects []*Object
	seen := map[journal.Object]bool{}
	for i := range run.Columns {
		for j := range run.Columns[i].Objects {
			o := &run.Columns[i].Objects[j]
			if !seen[o.Journal] {
				seen[o.Journal] = true
				objects = append(objects, o)
			}
		}
	}
	forms := []func(*Object) string{
		func(o *Object) string {
			if o.Target.Name != "" {
				return o.Target.Name
			}
			return o.Journal.Name
		},
		func(o *Object) string { return o.Journal.Namespace + "/" + o.Journal.Name },
		func(o *Object) string { return o.Journal.String() },
	}
	labels := map[journal.Object]string{}
	for _, form := range forms {
		uses := map[string]int{}
		for _, o := range objects {
			uses[form(o)]++
		}
		for _, o := range objects {
			if name := form(o); labels[o.Journal] == "" && uses[name] == 1 {
				labels[o.Journal] = name
			}
		}
	}
	return labels
}

// object finds an object in a column, nil where it is not there.
func (c *ColumnReport) object(name journal.Object) *ObjectReport {
	for i := range c.Objects {
		if c.Objects[i].Object == name {
			return &c.Objects[i]
		}
	}
	return nil
}

// Column finds a column by name, nil where there is none.
func (r *Report) Column(name string) *ColumnReport {
	for i := range r.Columns {
		if r.Columns[i].Name == name {
			return &r.Columns[i]
		}
	}
	return nil
}

// Passed says whether every expectation held.
func (r *Report) Passed() bool { return len(r.Failures()) == 0 }

// Failures are the expectations that did not hold.
func (r *Report) Failures() []Expectation {
	var failed []Expectation
	for _, e := range r.Run.Expectations {
		if !e.Passed {
			failed = append(failed, e)
		}
	}
	return failed
}

// focus is the object that the headline and the first plot are about; nil where
// the column has none.
func (r *Report) focus() *ObjectReport {
	c := &r.Columns[r.primary]
	if len(c.Objects) == 0 {
		return nil
	}
	return &c.Objects[r.worst]
}
