package tune

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// TestSearch searches a space with something better in it, and finds it.
func TestSearch(t *testing.T) {
	for _, sampler := range []string{Grid, Random, CMAES} {
		t.Run(sampler, func(t *testing.T) {
			s := search(t, Options{Sampler: sampler, Trials: 60, Seed: 3, Subjects: []Subject{subject(t, demandScenario("12h", waves(12*240, 160, "")))}})
			o := finish(t, s, runAll(t, s))
			if o.Verdict != Recommend {
				t.Fatalf("verdict %s: %v", o.Verdict, o.Why)
			}
			in, out, ok := o.LastFold(o.Choice)
			if !ok {
				t.Fatal("the choice has no held-out window")
			}
			for name, pair := range map[string][2]Score{"in-sample": {in, s.Current.sum(0, 3)}, "held out": {out, s.Current.sum(3, 4)}} {
				if pair[0].Asked >= pair[1].Asked || pair[0].Lacking > pair[1].Lacking {
					t.Errorf("%s: %+v does not beat %+v", name, pair[0], pair[1])
				}
			}
			if o.Importance[1].Cost < o.Importance[2].Cost {
				t.Errorf("importance %+v: the window must explain more of the cost than the range of the query", o.Importance)
			}
			checkBest(t, o)
		})
	}
}

// What a recording does not show is no reason for another policy, and is said.
func TestSearchSaysWhatIsNotShown(t *testing.T) {
	cases := map[string]struct {
		reason, values string
		why, note      string
	}{
		"Flat":  {"a higher target would do, for all that is known", "75x2880", "as many replicas are needed at any time", ""},
		"Waves": {"demand moves", waves(12*240, 160, ""), "", ""},
		"Gap":   {"three of twelve hours have no samples, the last one five minutes before", waves(6*240, 160, "_x720 ") + waves(3*240, 160, ""), "", "what default/web needed, or what ran, is not known for 2.9"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := demandScenario("12h", c.values)
			if name == "Flat" {
				// 15 replicas where 8 are needed.
				text = strings.NewReplacer("value: 10}}", "value: 5}}", "replicas: 5}", "replicas: 15}").Replace(text)
			}
			s := search(t, Options{Sampler: Grid, Trials: 40, Subjects: []Subject{subject(t, text)}})
			o := finish(t, s, runAll(t, s))
			const unchanging = "as many replicas are needed at any time"
			why := strings.Join(o.Why, "\n")
			if o.Choice == nil || !strings.Contains(why, c.why) || strings.Contains(why, unchanging) != (c.why == unchanging) {
				t.Errorf("%s: verdict %s because %q", c.reason, o.Verdict, o.Why)
			}
			if c.why == unchanging && o.Verdict != Keep {
				t.Errorf("%s: verdict %s", c.reason, o.Verdict)
			}
			if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && strings.Contains(notes, "not known") {
				t.Errorf("%s: notes %q, want %q", c.reason, notes, c.note)
			}
		})
	}
}

// checkBest reads best.yaml back.
func checkBest(t *testing.T, o *Outcome) {
	t.Helper()
	text, err := o.Best()
	if err != nil {
		t.Fatal(err)
	}
	docs, err := manifest.Parse("best.yaml", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	set, err := manifest.Collect(docs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := sim.Resolve(set, "")
	if err != nil {
		t.Fatal(err)
	}
	_, want, err := o.space.candidate(&o.Subjects[0], o.Choice)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[0].Policy, got[0].Policy); diff != "" {
		t.Errorf("best.yaml is another policy than was played (-played +written):\n%s", diff)
	}
	for i, words := range []string{"# Was 10; searched 5..12.", "# Was 1800; searched 0..1800:60.", "# Its range was 1m; searched [30s,1m,3m]."} {
		// What gains nothing is left as it is, without a word at its place.
		if changed := o.Choice.Values[i] != ""; bytes.Contains(text, []byte(words)) != changed {
			t.Errorf("best.yaml says %q: %t, want %t\n%s", words, !changed, changed, text)
		}
	}
}

// TestUnitsAreIndependent: units give the same trials whatever was run before.
func TestUnitsAreIndependent(t *testing.T) {
	for _, sampler := range []string{Random, CMAES} {
		o := Options{Sampler: sampler, Trials: 12, Seed: 9, Subjects: []Subject{subject(t, demandScenario("3h", waves(720, 160, "")))}}
		forwards := runAll(t, search(t, o))
		s := search(t, o)
		var backwards []Trial
		for unit := s.Units(); unit > 0; unit-- {
			trials, err := s.Run(context.Background(), unit)
			if err != nil {
				t.Fatal(err)
			}
			backwards = append(trials, backwards...)
		}
		if diff := cmp.Diff(forwards, backwards, cmpopts.IgnoreUnexported(Trial{})); diff != "" {
			t.Errorf("%s: the order of units matters:\n%s", sampler, diff)
		}
		text, err := s.Encode(forwards)
		if err != nil {
			t.Fatal(err)
		}
		read, err := s.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(forwards, read, cmpopts.IgnoreUnexported(Trial{})); diff != "" {
			t.Errorf("%s: written and read again:\n%s", sampler, diff)
		}
	}
}

// TestChainsDoNotSeeWhatIsHeldOut: a chain of the first fold plays the same
// candidates whatever comes after its training window.
func TestChainsDoNotSeeWhatIsHeldOut(t *testing.T) {
	first := waves(360, 160, "")
	var plays [2][]Trial
	for i, later := range []string{"500x360", waves(360, 30, "")} {
		s := search(t, Options{Sampler: CMAES, Trials: 16, Folds: 1, Seed: 4,
			Subjects: []Subject{subject(t, demandScenario("3h", first+later))}})
		plays[i] = runAll(t, s)
	}
	if len(plays[0]) != len(plays[1]) {
		t.Fatalf("%d and %d trials", len(plays[0]), len(plays[1]))
	}
	differs := false
	for i := range plays[0] {
		a, b := &plays[0][i], &plays[1][i]
		if !slices.Equal(a.Values, b.Values) {
			t.Errorf("trial %d is %v and %v: it depends on the held-out window", i, a.Values, b.Values)
		}
		differs = differs || len(a.Windows) > 1 && len(b.Windows) > 1 && a.Windows[1] != b.Windows[1]
	}
	if !differs {
		t.Error("the held-out windows do not differ, so that nothing was tested")
	}
}

// TestStoppingChangesNoChoice plays what was stopped to its end: all choices
// stay as they are.
func TestStoppingChangesNoChoice(t *testing.T) {
	c, err := ParseConstraint("breach_minutes <= 60")
	if err != nil {
		t.Fatal(err)
	}
	for name, constraints := range map[string][]Constraint{"constraint": {c}, "current policy": nil} {
		s := search(t, Options{Sampler: Random, Trials: 40, Seed: 2, Constraints: constraints, Parameters: parameters(t,
			"spec.metrics[0].prometheus.target.value=4..30", "spec.behavior.scaleUp.stabilizationWindowSeconds=0..3600",
			"spec.behavior.scaleDown.stabilizationWindowSeconds=0..3600")})
		trials := runAll(t, s)
		want := s.folds(trials, Reactive)
		stopped := 0
		for i := range trials {
			if trials[i].State != Stopped {
				continue
			}
			stopped++
			st := &s.stages[0]
			_, autoscalers, err := s.space.candidate(st.subject, &trials[i])
			if err != nil {
				t.Fatal(err)
			}
			result, changes, err := st.play(context.Background(), autoscalers, sim.Options{}, st.windows, nil)
			if err != nil {
				t.Fatal(err)
			}
			whole := s.empty()
			st.score(whole, st.windows, result.Objects, changes, 0, len(whole))
			if diff := cmp.Diff(whole[:len(trials[i].Windows)], trials[i].Windows); diff != "" {
				t.Errorf("%s: stopped windows differ from those played to the end:\n%s", name, diff)
			}
			trials[i].Windows = whole
		}
		if stopped == 0 && constraints != nil {
			t.Errorf("%s: nothing was stopped", name)
		}
		got := s.folds(trials, Reactive)
		for k := range want {
			if (want[k].Choice == nil) != (got[k].Choice == nil) || want[k].Choice != nil && want[k].Choice.Unit != got[k].Choice.Unit {
				t.Errorf("%s: fold %d chooses another trial", name, k+1)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	sub := subject(t, demandScenario("1h", waves(240, 160, "")))
	cases := map[string]struct {
		reason     string
		parameters []string
		change     func(*Options)
		want       string
	}{
		"UnknownField":  {"a field must exist", []string{"spec.behaviour.scaleUp.tolerance=0..1"}, nil, `spec.behaviour.scaleUp.tolerance: unknown field; did you mean "behavior"?`},
		"UnknownMetric": {"an index must exist", []string{"spec.metrics[3].prometheus.target.value=1..5"}, nil, "index 3 is out of range"},
		"FixedField":    {"an object keeps its name", []string{"metadata.name=[a,b]"}, nil, "metadata.name cannot be set"},
		"Target":        {"what is scaled is not how", []string{"spec.scaleTargetRef.name=[a,b]"}, nil, "spec.scaleTargetRef.name is no behaviour"},
		"DryRun":        {"nor whether at all", []string{"spec.dryRun=[true,false]"}, nil, "spec.dryRun is no behaviour"},
		"NoSuchRange":   {"a range must stand in the query", []string{"spec.metrics[0].prometheus.query[7m]=1m..5m"}, nil, "has no range [7m]"},
		"NoQuery":       {"a range is one of a metric's query", []string{"spec.metrics[2].prometheus.query[1m]=1m..5m"}, nil, "no query there"},
		"Fractions":     {"whole numbers have whole bounds", []string{"spec.maxReplicas=1.5..5"}, nil, "spec.maxReplicas takes whole numbers; 1.5 is none"},
		"Twice":         {"a field is searched once", []string{"spec.maxReplicas=1..5", "spec.maxReplicas=2..6"}, nil, "spec.maxReplicas is searched twice"},
		"NothingValid":  {"some candidate must be a policy", []string{"spec.minReplicas=200..300"}, nil, "none of 5 candidates is a valid policy"},
		"NothingValidC": {"also for chains", []string{"spec.minReplicas=200..300"}, func(o *Options) { o.Sampler = CMAES }, "is a valid policy"},
		"GridTooLarge":  {"a grid has at least two levels a range", []string{"spec.maxReplicas=50..60", "spec.behavior.scaleUp.tolerance=0..1", "spec.behavior.scaleDown.tolerance=0..1"}, func(o *Options) { o.Sampler = Grid }, "the smallest grid, of two levels a range, has 8 candidates, but --trials is 5"},
		"Folds":         {"every window holds decisions", []string{"spec.maxReplicas=50..60"}, func(o *Options) { o.Folds = 500 }, "500 folds are more than waves has data for: it lasts 1h0m0s"},
		"NoParameters":  {"something must be searched", nil, nil, "no parameters"},
		"Sampler":       {"a sampler must be known", []string{"spec.maxReplicas=50..60"}, func(o *Options) { o.Sampler = "tpe" }, `unknown sampler "tpe"; allowed: grid, random, cmaes`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := Options{Subjects: []Subject{sub}, Parameters: parameters(t, c.parameters...), Sampler: Random, Trials: 5, Folds: 2}
			if c.change != nil {
				c.change(&o)
			}
			_, err := New(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %v, want one line with %q", c.reason, err, c.want)
			}
		})
	}
}

func TestGrid(t *testing.T) {
	s := search(t, Options{Sampler: Grid, Trials: 100})
	if n := s.Units(); n != 75 {
		t.Errorf("%d candidates, want 5 x 5 x 3 within 100", n)
	}
	seen := map[string]bool{}
	for _, values := range s.planned {
		seen[key(values)] = true
	}
	if len(seen) != len(s.planned) {
		t.Error("candidates repeat")
	}
	if first, last := s.planned[0], s.planned[len(s.planned)-1]; !slices.Equal(first, []string{"5", "0", "30s"}) || !slices.Equal(last, []string{"12", "1800", "3m"}) {
		t.Errorf("the grid goes from %v to %v, not from end to end", first, last)
	}
}

// TestDefaultParameters: every candidate of the default space is valid for all
// subjects.
func TestDefaultParameters(t *testing.T) {
	rules := demandScenario("1h", waves(240, 160, ""))
	without := strings.Replace(rules, "scaleDown: {stabilizationWindowSeconds: 1800}", "algorithm: HPAWithoutBehavior", 1)
	cases := map[string]struct {
		reason    string
		texts     []string
		has, lack string
	}{
		"Rules":   {"a behavior has all of it", []string{rules}, "spec.behavior.scaleUp.stabilizationWindowSeconds", "spec.behavior.algorithm"},
		"Without": {"without one there is what counts then, and a way out", []string{without}, "spec.behavior.algorithm", "spec.behavior.scaleUp.stabilizationWindowSeconds"},
		"Both":    {"of both there is what both have", []string{rules, without}, "spec.behavior.scaleDown.stabilizationWindowSeconds", "spec.behavior.algorithm"},
		"BothTheOtherWay": {"in any order", []string{without, rules}, "spec.behavior.scaleDown.stabilizationWindowSeconds",
			"spec.behavior.scaleDown.policies[0].value"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var sub []Subject
			for _, text := range c.texts {
				sub = append(sub, subject(t, text))
			}
			space, err := DefaultParameters(sub)
			if err != nil {
				t.Fatal(err)
			}
			searched := func(path string) bool {
				return slices.ContainsFunc(space, func(p Parameter) bool { return p.Path == path })
			}
			if !searched(c.has) || searched(c.lack) {
				t.Errorf("%s: want %s, not %s, got %v", c.reason, c.has, c.lack, space)
			}
			s := search(t, Options{Subjects: sub, Parameters: space, Sampler: Random, Trials: 50, Folds: 2})
			for _, values := range s.planned {
				if why := s.space.check(values); why != "" {
					t.Errorf("%s: the default space has an invalid candidate %v: %s", c.reason, values, why)
				}
			}
		})
	}
}
