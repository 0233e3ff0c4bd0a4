package tune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// The samplers.
const (
	Grid   = "grid"
	Random = "random"
	CMAES  = "cmaes"
)

// A Subject is a scenario with the current policy of its autoscalers. The input
// must have been prepared with Precompute; it has no expectations.
type Subject struct {
	Name  string
	Input *sim.Input
	Set   *manifest.Set
	// Owners has the objects that the autoscalers of the set were made of.
	Owners []Owner

	// seasons are the second metrics of a season, by NAMESPACE/NAME.
	seasons map[string][]season
}

// resolve is sim.Resolve with what the subject's controller enforces.
func (s *Subject) resolve(set *manifest.Set) ([]sim.Autoscaler, error) {
	return sim.Resolve(set, promql.Label(s.Input.File.Spec.Controller.EnforceLabel), s.Input.File.Spec.Prometheus.EnableFeatures...)
}

// Options holds what a search is made of.
type Options struct {
	Subjects    []Subject
	Parameters  []Parameter
	Constraints []Constraint
	// Sampler is Grid, Random or CMAES.
	Sampler string
	// Trials is how many candidates are played; of a grid, at most.
	Trials int
	Seed   int64
	// Folds is the number of walk-forward folds, at least 1.
	Folds int
	// Season tries a metric that looks at the same time of the days before, too.
	Season bool
	// Location says when days begin; UTC if nil.
	Location *time.Location
}

// A Search is a search that can be carried out: its space is sound, and the
// current policy has been played.
type Search struct {
	Options
	// Current is the current policy's trial.
	Current Trial
	// Fidelity is the percentage of slots in which the current policy, played,
	// gives the recorded replicas; negative where none were recorded.
	Fidelity float64
	// Doubt says why nothing can be ranked by what was recorded, as a sentence;
	// empty where it can.
	Doubt string
	// Unfaithful says why that is too little to rank anything by; empty where it
	// is not.
	Unfaithful string
	// Loop is the weakest of the subjects'.
	Loop result.Loop
	// Unchanging says that as many replicas are needed at any time, so that nothing
	// shows how a policy follows a demand.
	Unchanging bool
	// Notes say what the figures rest on.
	Notes []string
	// Priced says that prices are given, so that cost is money.
	Priced bool
	// Unit is the stretch by which policies are compared in pairs: day, or part of some length.
	Unit string

	// examine plays a trial and scores it by windows and by parts.
	examine func(context.Context, *Trial) error

	space   *space
	stages  []stage
	whole   int64
	planned [][]string // the candidates of Grid and Random
}

// A stage holds what all candidates meet in one subject.
type stage struct {
	subject *Subject
	windows []window
	pauses  []time.Time
	needed  map[string]*sim.Steps // by object
	// parts are compared in pairs; partial days are not.
	parts   []part
	partial int
}

var errOpenLoop = errors.New("the metrics depend on the replicas and would be replayed as recorded (open loop): they are no forecast for a changed policy, so there is nothing to tune by; name the recorded replicas with --replicas [NS/]KIND/NAME=SERIES")

// minSlots is how many decisions a window must have room for at least.
const minSlots = 10

// New checks the options, plays the current policy and plans the units.
func New(ctx context.Context, o Options) (*Search, error) {
	s := &Search{Options: o, Fidelity: -1}
	s.examine = s.playWhole
	var err error
	if s.space, err = newSpace(o.Parameters, o.Subjects); err != nil {
		return nil, err
	}
	s.Parameters = s.space.parameters
	switch {
	case len(o.Parameters) == 0:
		return nil, errors.New("nothing to search: no parameters")
	case o.Folds < 1:
		return nil, fmt.Errorf("%d folds; want at least 1", o.Folds)
	case o.Trials < 1:
		return nil, fmt.Errorf("%d trials; want at least 1", o.Trials)
	}
	s.Priced = s.prices()
	for i := range s.Constraints {
		if c := &s.Constraints[i]; c.figure == costFigure && !s.Priced {
			return nil, fmt.Errorf("constraint %q: %s gives no price, so that cost is not known; add pricePerHour to its targets, workloads or nodeGroups, or limit replica_hours", c.Text, s.names())
		}
	}
	for i := range s.Subjects {
		if err := s.addStage(&s.Subjects[i]); err != nil {
			return nil, err
		}
	}
	s.layParts()
	if s.Season {
		if err := s.checkSeason(); err != nil {
			return nil, err
		}
	}
	played, err := s.playCurrent(ctx)
	if err != nil {
		return nil, err
	}
	if s.Season && s.Trusted() {
		if err := s.addSeasons(played); err != nil {
			return nil, err
		}
	}
	return s, s.plan()
}

// addStage cuts a subject's time into windows.
func (s *Search) addStage(subject *Subject) error {
	spec := &subject.Input.File.Spec
	from := spec.Start.Unix()
	length := int64(time.Duration(spec.Duration) / time.Second)
	autoscalers, err := subject.resolve(subject.Set)
	if err != nil {
		return err
	}
	if err := subject.Input.Pin(autoscalers); err != nil {
		return err
	}
	interval := int64(1)
	for _, a := range autoscalers {
		interval = max(interval, int64(a.Policy.Interval))
	}
	if most := length/(minSlots*interval) - 1; int64(s.Folds) > most {
		if most < 1 {
			return fmt.Errorf("%s lasts %s, too short to hold anything out: want at least %s, %d decisions each to learn from and to judge by", subject.Name,
				time.Duration(length)*time.Second, time.Duration(2*minSlots*interval)*time.Second, minSlots)
		}
		return fmt.Errorf("%d folds are more than %s has data for: it lasts %s, and each of the folds + 1 windows needs %d decisions; want at most %d",
			s.Folds, subject.Name, time.Duration(length)*time.Second, minSlots, most)
	}
	st := stage{subject: subject, windows: windows(from, from+length, s.Folds+1), needed: map[string]*sim.Steps{}}
	alignWindows(st.windows, s.location())
	for _, w := range st.windows[1:] {
		st.pauses = append(st.pauses, time.Unix(w.from, 0).UTC())
	}
	s.whole += length
	s.stages = append(s.stages, st)
	return nil
}

// playCurrent plays the current policy: what it needed is what every candidate
// is measured by. It returns what came of each subject's objects.
func (s *Search) playCurrent(ctx context.Context) ([][]sim.Object, error) {
	rank := map[result.Loop]int{result.DemandDriven: 1, result.ClosedLoop: 2, result.OpenLoop: 3}
	var all sim.Fidelity
	var objects [][]sim.Object
	s.Current = Trial{State: Played, Windows: s.empty()}
	s.Unchanging = true
	for i := range s.stages {
		st := &s.stages[i]
		autoscalers, err := st.subject.resolve(st.subject.Set)
		if err != nil {
			return nil, err
		}
		cells, windowOf, partOf := st.cells()
		played, changes, err := st.play(ctx, autoscalers, sim.Options{Fidelity: true}, cells, nil)
		if err != nil {
			return nil, err
		}
		if rank[played.Loop] > rank[s.Loop] {
			s.Loop = played.Loop
		}
		for k := range played.Objects {
			o := &played.Objects[k]
			st.needed[nameOf(o)] = &o.Needed
			s.Unchanging = s.Unchanging && unchanging(&o.Needed)
			s.noteUnjudged(st, o)
			if f := o.Fidelity; f != nil {
				all.Add(f)
				if why := f.Unfaithful(); why != "" && s.Unfaithful == "" {
					s.Unfaithful = fmt.Sprintf("of %s, %s", nameOf(o), why)
				}
			}
		}
		s.doubts(played)
		for _, n := range played.Notes {
			if !slices.Contains(s.Notes, n) {
				s.Notes = append(s.Notes, n)
			}
		}
		objects = append(objects, played.Objects)
		st.examined(&s.Current, cells, windowOf, partOf, played.Objects, changes)
	}
	if s.Loop == result.OpenLoop {
		return nil, errOpenLoop
	}
	if all.Slots > 0 {
		s.Fidelity = all.Percent()
	}
	if scored := s.Current.sum(0, len(s.Current.Windows)); scored.Scored == 0 {
		return nil, fmt.Errorf("%s: what is needed is never known, so nothing can be judged; name it with --demand and --capacity", s.names())
	}
	return objects, nil
}

// unchanging reports whether as many replicas are needed wherever that is known.
func unchanging(needed *sim.Steps) bool {
	first := roundUp(needed.First())
	for _, v := range needed.V {
		if v = roundUp(v); !math.IsNaN(v) && v != first {
			return false
		}
	}
	return true
}

// noteUnjudged says how much of a subject's time cannot be judged, if that is one in a
// hundred of it or more.
func (s *Search) noteUnjudged(st *stage, o *sim.Object) {
	whole := window{st.windows[0].from, st.windows[len(st.windows)-1].to}
	length := whole.to - whole.from
	unjudged := length - supply(o, &o.Needed, whole).Scored
	if unjudged*100 < length {
		return
	}
	of := ""
	if len(s.stages) > 1 {
		of = " of " + st.subject.Name
	}
	s.Notes = append(s.Notes, fmt.Sprintf("what %s needed, or what ran, is not known for %s of %s h%s; no candidate is judged by that time", nameOf(o), short(float64(unjudged)/3600), short(float64(length)/3600), of))
}

// doubts finds what makes candidates incomparable by a run of the current policy.
func (s *Search) doubts(played *sim.Result) {
	if s.Doubt != "" {
		return
	}
	for _, d := range played.Doubts {
		s.Doubt = fmt.Sprintf("Nothing is ranked: %s.", d)
	}
	for _, o := range played.Objects {
		if slices.Contains(o.Saturated.V, 1) {
			s.Doubt = fmt.Sprintf("Nothing is ranked: the recording of %s is saturated at times and shows what was served then, not what was asked for; name what arrived with --demand and --capacity.", nameOf(&o))
		}
	}
}

func (s *Search) names() string {
	var names []string
	for i := range s.Subjects {
		names = append(names, s.Subjects[i].Name)
	}
	return strings.Join(names, ", ")
}

// empty are the windows of a trial before anything is added.
func (s *Search) empty() []Score {
	out := make([]Score, s.Folds+1)
	for i := range s.stages {
		for k, w := range s.stages[i].windows {
			out[k].Seconds += w.to - w.from
		}
	}
	return out
}

// play plays autoscalers and counts their changes by the windows of cuts. goOn, if
// not nil, is asked at the end of each of the subject's windows but the last.
func (st *stage) play(ctx context.Context, autoscalers []sim.Autoscaler, o sim.Options, cuts []window, goOn func(done int, objects []sim.Object, changes []Score) bool) (*sim.Result, []Score, error) {
	changes := make([]Score, len(cuts))
	counters := map[journal.Object]*counter{}
	at := 0
	o.Decisions = func(r *journal.Record) {
		for at+1 < len(cuts) && int64(r.Slot) >= cuts[at].to {
			at++
		}
		c := counters[r.Object]
		if c == nil {
			c = &counter{}
			counters[r.Object] = c
		}
		c.told(r, &changes[at])
	}
	if goOn != nil {
		done := 0
		o.Pauses = st.pauses
		o.Paused = func(_ time.Time, objects []sim.Object) bool {
			done++
			return goOn(done, objects, changes)
		}
	}
	result, err := st.subject.Input.Play(ctx, autoscalers, o)
	return result, changes, err
}

// score adds the windows from..to-1 of cuts of a played subject to scores.
func (st *stage) score(scores []Score, cuts []window, objects []sim.Object, changes []Score, from, to int) {
	for k := from; k < to; k++ {
		for i := range objects {
			if needed := st.needed[nameOf(&objects[i])]; needed != nil {
				scores[k].Add(supply(&objects[i], needed, cuts[k]))
			}
		}
		scores[k].Add(changes[k])
	}
}

// try plays one candidate in all subjects and scores it.
func (s *Search) try(ctx context.Context, t *Trial) error {
	t.Windows = s.empty()
	for i := range s.stages {
		st := &s.stages[i]
		_, autoscalers, err := s.space.candidate(st.subject, t)
		if err != nil {
			t.State, t.Why, t.Windows = Invalid, firstLine(err), nil
			return nil
		}
		scored := 0
		played, changes, err := st.play(ctx, autoscalers, sim.Options{}, st.windows, func(done int, objects []sim.Object, changes []Score) bool {
			st.score(t.Windows, st.windows, objects, changes, done-1, done)
			scored = done
			t.Why = s.hopeless(t, done)
			return t.Why == ""
		})
		if err != nil {
			return s.mistake(t, err)
		}
		if t.Why != "" {
			t.State, t.Windows = Stopped, t.Windows[:scored]
			return nil
		}
		st.score(t.Windows, st.windows, played.Objects, changes, scored, len(st.windows))
	}
	t.State = Played
	return nil
}

// mistake is an error of a candidate's run, with its values where they are the
// mistake.
func (s *Search) mistake(t *Trial, err error) error {
	if mistake := (*manifest.Error)(nil); errors.As(err, &mistake) {
		return fmt.Errorf("candidate %s: %s", s.assignment(t.Values), mistake.Message)
	}
	return err
}

// prices says whether any scenario gives a price of what is scaled.
func (s *Search) prices() bool {
	for i := range s.Subjects {
		spec := &s.Subjects[i].Input.File.Spec
		for _, t := range spec.Targets {
			if t.PricePerHour > 0 {
				return true
			}
		}
		for k := range spec.Workloads {
			if spec.Workloads[k].PricePerHour > 0 {
				return true
			}
		}
		for k := range spec.NodeGroups {
			if spec.NodeGroups[k].PricePerHour > 0 {
				return true
			}
		}
	}
	return false
}

// hopeless says why a candidate can no longer be chosen, having played the first
// windows of a subject; empty where it still can. Everything it goes by is fixed
// before the search and only ever grows, so no choice is another without it.
func (s *Search) hopeless(t *Trial, done int) string {
	if len(s.stages) > 1 || done < t.Learned {
		return "" // other subjects' windows are not known yet; a chain learns from all of its own
	}
	so := t.sum(0, done)
	for i := range s.Constraints {
		if c := &s.Constraints[i]; c.spent(&so) {
			return fmt.Sprintf("after %d of %d windows it breaks %s", done, len(t.Windows), c.Text)
		}
	}
	all := s.Current.sum(0, s.Folds)
	if len(s.Constraints) == 0 && s.expense(&so) > s.expense(&all) && so.Lacking > all.Lacking {
		return fmt.Sprintf("after %d of %d windows it has cost and lacked more than the current policy in all it is chosen by", done, len(t.Windows))
	}
	return ""
}

// nameOf returns an object's namespace and name.
func nameOf(o *sim.Object) string { return o.Journal.Namespace + "/" + o.Journal.Name }
