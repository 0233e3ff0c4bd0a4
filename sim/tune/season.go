package tune

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A Metric says which metric a candidate has besides those of the policy.
type Metric string

// The metrics.
const (
	// Reactive candidates have none.
	Reactive Metric = ""
	// Seasonal ones have the present 5-minute mean and what demand rose by at the
	// same time of the days before, until a new replica is ready.
	Seasonal Metric = "season"
	// Margin ones have the present 5-minute mean and the season's mean rise at any
	// time of the day: what a season must beat to be worth more than its replicas.
	Margin Metric = "margin"
)

// The terms of a season.
const (
	seasonDays     = 7
	seasonQuantile = 0.75
	// minSeasonDays is how much must be recorded for a season to be tried.
	minSeasonDays = 8
	// shortestRules is the shortest interval of the recording rules. They have that of
	// the scenario's Prometheus otherwise.
	shortestRules = time.Minute
)

// SeasonFile is where the recording rules of a season are written.
const SeasonFile = "season-rules.yaml"

// A season is the second metric of one metric of an autoscaler.
type season struct {
	metric int
	// present is the query of the policy, as it is asked.
	present string
	// interval is that of the rules: how old a recorded value may be. The horizon is
	// that much further away than a new replica is.
	interval, horizon time.Duration
	// margin is the season's mean rise while the last fold trains.
	margin float64
	// name is the beginning of the names that the rules record, with labels; selector
	// selects these.
	name     string
	labels   map[string]string
	selector string
}

// metrics has what candidates may have.
func (s *Search) metrics() []Metric {
	if s.Season {
		return []Metric{Reactive, Seasonal, Margin}
	}
	return []Metric{Reactive}
}

// checkSeason refuses a season that could not be judged, before anything is played.
func (s *Search) checkSeason() error {
	for i := range s.stages {
		st := &s.stages[i]
		length := st.windows[len(st.windows)-1].to - st.windows[0].from
		if length < minSeasonDays*day {
			return fmt.Errorf("--season needs %d days or more recorded, of which %d are looked back over; %s has %s",
				minSeasonDays, seasonDays, st.subject.Name, inDays(length))
		}
		autoscalers, err := st.subject.resolve(st.subject.Set)
		if err != nil {
			return err
		}
		for k := range autoscalers {
			a := &autoscalers[k]
			found := false
			for _, m := range a.Policy.Metrics {
				found = found || seasonal(&m)
			}
			if !found {
				return fmt.Errorf("--season needs a metric of type AverageValue; %s has none: values that depend on the replicas at the time say nothing of the same time on another day", a.Name())
			}
		}
	}
	return nil
}

// seasonal says whether a metric is a total that can have a season.
func seasonal(m *policy.Metric) bool { return m.Type == policy.AverageValue && m.Source == "" }

// inDays writes a length in seconds in days.
func inDays(seconds int64) string {
	n := math.Floor(float64(seconds)/day*10) / 10
	if n == 1 {
		return "1"
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// addSeasons makes the second metrics, once the current policy was played.
func (s *Search) addSeasons(objects [][]sim.Object) error {
	for i := range s.stages {
		st := &s.stages[i]
		autoscalers, err := st.subject.resolve(st.subject.Set)
		if err != nil {
			return err
		}
		st.subject.seasons = map[string][]season{}
		for k := range autoscalers {
			a := &autoscalers[k]
			startUp := st.startUp(a, objects[i])
			if startUp >= 23*time.Hour {
				return fmt.Errorf("--season: a new replica of %s takes %s to be ready, too long for a season of a day", a.Name(), startUp)
			}
			if err := st.addSeason(a, startUp); err != nil {
				return err
			}
		}
	}
	return nil
}

func (st *stage) addSeason(a *sim.Autoscaler, startUp time.Duration) error {
	for m := range a.Policy.Metrics {
		if !seasonal(&a.Policy.Metrics[m]) {
			continue
		}
		if st.subject.Input.ReadsRun(a.Policy.Metrics[m].Query) {
			return fmt.Errorf("--season: %s reads what only the run makes, not what was recorded: %s", a.Name(), a.Policy.Metrics[m].Query)
		}
		v := st.season(a, m, startUp)
		if err := st.subject.Input.Record(v.interval, seasonDays*24*time.Hour, v.rules()...); err != nil {
			return fmt.Errorf("--season: %s: %w", a.Name(), err)
		}
		mean, err := st.subject.Input.Mean(v.expected(), st.windows[0].from, st.windows[len(st.windows)-1].from, 5*time.Minute)
		if err != nil {
			return err
		}
		if math.IsNaN(mean) {
			return fmt.Errorf("--season: %s has no values at the same time of two days, %s", a.Name(), v.present)
		}
		v.margin = mean
		key := a.Name().String()
		st.subject.seasons[key] = append(st.subject.seasons[key], v)
	}
	return nil
}

// season is the second metric of a metric of an autoscaler.
func (st *stage) season(a *sim.Autoscaler, metric int, startUp time.Duration) season {
	v := season{metric: metric, present: closed(a.Policy.Metrics[metric].Query), labels: map[string]string{"namespace": a.Object.Namespace}}
	v.interval = min(time.Hour, max(shortestRules, time.Duration(st.subject.Input.File.Spec.Prometheus.EvaluationInterval)))
	v.horizon = startUp + v.interval
	if label := st.subject.Input.EnforcedLabel(); label != "" {
		v.labels[string(label)] = a.Object.Namespace
	}
	v.selector = fmt.Sprintf("{namespace=%q}", a.Object.Namespace)
	v.name = strings.NewReplacer("-", "_", ".", "_").Replace(a.Object.Name) + ":demand"
	if len(a.Policy.Metrics) > 1 {
		v.name += strconv.Itoa(metric)
	}
	if c := v.name[0]; c >= '0' && c <= '9' {
		v.name = "_" + v.name
	}
	return v
}

// startUp is how long a new replica of an autoscaler's target takes to be ready:
// as declared, else as the run of the current policy showed.
func (st *stage) startUp(a *sim.Autoscaler, objects []sim.Object) time.Duration {
	spec := &st.subject.Input.File.Spec
	for _, t := range spec.Targets {
		if ref := t.Reference(); t.ReadyAfter != nil && t.ReadyAfter.Fixed > 0 && ref.Kind == a.Target.Kind && ref.Namespace == a.Target.Namespace && ref.Name == a.Target.Name {
			return time.Duration(t.ReadyAfter.Fixed)
		}
	}
	if r := spec.Replay; r != nil && r.ReadyAfter != nil && r.ReadyAfter.Fixed > 0 {
		return time.Duration(r.ReadyAfter.Fixed)
	}
	for i := range objects {
		if o := &objects[i]; nameOf(o) == a.Name().String() {
			return time.Duration(result.BootDelay(o.Spec, o.Ready)) * time.Second
		}
	}
	return 0
}

// closed is a query that may stand in parentheses: a comment ends with its line.
func closed(query string) string {
	if strings.Contains(query, "#") {
		return query + "\n"
	}
	return query
}

// recorded selects what a rule recorded some time ago.
func (v *season) recorded(what string, ago time.Duration) string {
	text := v.name + ":" + what + v.selector
	if ago > 0 {
		text += " offset " + model.Duration(ago).String()
	}
	return "max(" + text + ")"
}

// expected returns what demand rises by until a new replica is ready, by the days before.
func (v *season) expected() string {
	var rises []string
	for d := 1; d <= seasonDays; d++ {
		ago := time.Duration(d)*24*time.Hour - v.horizon
		rises = append(rises, fmt.Sprintf(`label_replace(%s, "day", "%d", "", "")`, v.recorded("rise", ago), d))
	}
	return fmt.Sprintf("clamp_min(quantile(%s, %s), 0)", number(seasonQuantile), strings.Join(rises, "\n    or "))
}

// rules record the mean, what it rose by and the season, in this order. While there
// is no past, the season is the metric itself.
func (v *season) rules() []sim.RecordingRule {
	mean := v.recorded("mean5m", 0)
	return []sim.RecordingRule{
		{Record: v.name + ":mean5m", Labels: v.labels, Expr: "max(avg_over_time((" + v.present + ")[5m:30s]))"},
		{Record: v.name + ":rise", Labels: v.labels, Expr: mean + " - " + v.recorded("mean5m", v.horizon)},
		{Record: v.name + ":season", Labels: v.labels, Expr: mean + "\n  + " + v.expected() + "\nor max(" + v.present + ")"},
	}
}

// query is the season, as the second rule records it.
func (v *season) query() string { return v.recorded("season", 0) }

// constant is the same margin at any time of the day.
func (v *season) constant() string {
	margin, _ := strconv.ParseFloat(strconv.FormatFloat(v.margin, 'g', 6, 64), 64)
	return v.recorded("mean5m", 0) + " + " + number(margin)
}

// with adds a candidate's own metric to an autoscaler, beside the present one and
// with its target, so that it only ever adds replicas.
func (s *Subject) with(e manifest.Autoscaler, metric Metric) (manifest.Autoscaler, error) {
	if metric == Reactive {
		return e, nil
	}
	object := e.Object.DeepCopy()
	seasons := s.seasons[object.Namespace+"/"+object.Name]
	for i := range seasons {
		v := &seasons[i]
		m := object.Spec.Metrics[v.metric].DeepCopy()
		m.Prometheus.Query = v.query()
		if metric == Margin {
			m.Prometheus.Query = v.constant()
		}
		m.Activation, m.Fallback = nil, nil
		object.Spec.Metrics = append(object.Spec.Metrics, *m)
	}
	if n := len(object.Spec.Metrics); n > policy.MaxMetrics {
		return e, fmt.Errorf("%s/%s: %d metrics with the season's; at most %d are allowed", object.Namespace, object.Name, n, policy.MaxMetrics)
	}
	e.Object = object
	return e, nil
}

// SeasonRules are the recording rules that the season's metrics read, as a file
// of Prometheus; nil without a season.
func (o *Outcome) SeasonRules() ([]byte, error) {
	type rule struct {
		Record string            `yaml:"record"`
		Expr   string            `yaml:"expr"`
		Labels map[string]string `yaml:"labels"`
	}
	type group struct {
		Name     string `yaml:"name"`
		Interval string `yaml:"interval"`
		Rules    []rule `yaml:"rules"`
	}
	var groups []group
	seen := map[string]bool{}
	for i := range o.Subjects {
		subject := &o.Subjects[i]
		for _, e := range subject.Set.Autoscalers {
			key := e.Object.Namespace + "/" + e.Object.Name
			if seen[key] || len(subject.seasons[key]) == 0 {
				continue
			}
			seen[key] = true
			g := group{Name: "season of " + key, Interval: model.Duration(subject.seasons[key][0].interval).String()}
			for k := range subject.seasons[key] {
				for _, r := range subject.seasons[key][k].rules() {
					g.Rules = append(g.Rules, rule{r.Record, r.Expr, r.Labels})
				}
			}
			groups = append(groups, g)
		}
	}
	if groups == nil {
		return nil, nil
	}
	var b bytes.Buffer
	for _, line := range o.seasonHeading() {
		b.WriteString("# " + line + "\n")
	}
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(map[string]any{"groups": groups}); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// judgeSeason decides whether the season is recommended: its choices, fold by fold,
// must beat the current policy as any other would, and be better held out than
// those without it and those with the same margin at all times, surely and in the
// newest window as well.
func (o *Outcome) judgeSeason() []string {
	reactive, seasonal, margin := &o.Contests[0], &o.Contests[1], &o.Contests[2]
	last := &seasonal.Steps[len(seasonal.Steps)-1]
	if last.Choice == nil {
		return []string{"The season is not recommended: no candidate with it beats the current policy in the windows that it was chosen by."}
	}
	chosen, current := heldOut(seasonal.Steps)
	pairing := o.pairing(seasonal.Steps, func(int) *Trial { return &o.Current })
	if !last.Held || !o.beats(&chosen, &current) || !o.sure(pairing, &current) {
		return []string{fmt.Sprintf("The season is not recommended: held out it does not surely beat the current policy: %s.", o.compare(&chosen, &current))}
	}
	why := []string{fmt.Sprintf("Held out, all windows together, with the season: %s than under the current policy.", o.brief(&chosen, &current))}
	o.SeasonWon = true
	for _, rival := range []struct {
		name    string
		contest *Contest
	}{{"the policy tuned as freely without a season", reactive}, {"the same margin at all times, tuned as freely", margin}} {
		other, _ := heldOut(rival.contest.Steps)
		gain, unjudged := o.ahead(seasonal.Steps, rival.contest.Steps, &current)
		newest := rival.contest.Steps[len(rival.contest.Steps)-1]
		beaten := o.loses(&chosen, &current) < o.loses(&other, &current) && o.loses(&last.Out, &last.CurrentOut) < o.loses(&newest.Out, &newest.CurrentOut) && gain.Less()
		verdict := "beats"
		if !beaten {
			verdict, o.SeasonWon = "does not surely beat", false
		}
		text := fmt.Sprintf("The season %s %s, which has %s than the current policy: ", verdict, rival.name, o.brief(&other, &current))
		if gain.N < 3 {
			text += "too few pairs to know."
		} else {
			text += fmt.Sprintf("paired over %s, cost and breach minutes together, each as a share of the current policy's, differ by %s %% (95 %% interval %s to %s).",
				plural(gain.N, "held-out "+o.Unit), signed(100*gain.Mean), signed(100*gain.Low), signed(100*gain.High))
		}
		if unjudged > 0 {
			text += fmt.Sprintf(" %d were not judged.", unjudged)
		}
		why = append(why, text)
	}
	if !o.SeasonWon {
		why[0] = "The season is not recommended. " + why[0]
	} else {
		why = append(why, "Load "+SeasonFile+" into Prometheus before best.yaml is applied.")
	}
	return why
}

// ahead is how much more the choices of one walk cost and lack, held out, than
// those of another. Without a choice the current policy stays.
func (o *Outcome) ahead(of, than []Fold, current *Score) (d Difference, unjudged int) {
	var differences []float64
	chosen := func(f *Fold) *Trial {
		if f.Choice == nil {
			return &o.Current
		}
		return f.Choice
	}
	for k := range of {
		unjudged += o.pairs(chosen(&of[k]), chosen(&than[k]), of[k].Train, of[k].Train+1, func(x, y *Score) {
			differences = append(differences, o.objective(x, y, current))
		})
	}
	return differ("", differences), unjudged
}

// brief is how cost and breach minutes differ.
func (o *Outcome) brief(a, than *Score) string {
	return fmt.Sprintf("%s %s and %s breach minutes", change(o.expense(a), o.expense(than)), o.expenseName(), change(float64(a.Lacking), float64(than.Lacking)))
}

// seasonHeading says above the rules what they are worth.
func (o *Outcome) seasonHeading() []string {
	lines := []string{"Not recommended. What it would take to try the season all the same:"}
	if o.Metric() == Seasonal {
		lines = []string{"Load these rules before best.yaml is applied. A season has a past from the second day on, all of it after eight."}
	}
	return append(lines,
		"SERIES:mean5m is the 5-minute mean of the policy's metric, SERIES:rise what it rose by while a new replica was made ready.",
		"SERIES:season adds to the mean the 75th percentile of its rises at the same time of the last 7 days; while there is no past it is the metric itself.")
}
