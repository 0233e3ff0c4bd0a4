package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const tuneHead = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: x}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 1h
  tune:
`

func TestTune(t *testing.T) {
	s, err := ParseText("x.yaml", []byte(tuneHead+`    sampler: grid
    trials: 40
    seed: 7
    folds: 3
    constraints: [breach_minutes <= 5]
    parameters:
    - {path: spec.maxReplicas, range: 10..50, step: 5}
    - {path: spec.behavior.scaleUp.tolerance, range: 0.01..0.3, scale: log}
    - {path: spec.behavior.scaleDown.selectPolicy, values: [Max, Min, null], with: spec.dryRun=false}
`))
	if err != nil {
		t.Fatal(err)
	}
	trials, folds, seed := 40, 3, int64(7)
	want := &Tune{
		Sampler: "grid", Trials: &trials, Seed: &seed, Folds: &folds, Constraints: []string{"breach_minutes <= 5"},
		Parameters: []TuneParameter{
			{Path: "spec.maxReplicas", Range: "10..50", Step: "5"},
			{Path: "spec.behavior.scaleUp.tolerance", Range: "0.01..0.3", Scale: "log"},
			{Path: "spec.behavior.scaleDown.selectPolicy", Values: []TuneValue{"Max", "Min", "null"}, With: Assignments{"spec.dryRun=false"}},
		},
	}
	if diff := cmp.Diff(want, s.Spec.Tune); diff != "" {
		t.Errorf("tune (-want +got):\n%s", diff)
	}
	text, err := Write(s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseText("x.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again.Spec.Tune); diff != "" {
		t.Errorf("written and read again (-want +got):\n%s", diff)
	}
}

func TestTuneRefuses(t *testing.T) {
	cases := map[string]struct{ reason, tune, want string }{
		"Sampler":       {"a sampler must be known", "    sampler: tpe\n", `x.yaml:9:14: spec.tune.sampler: unknown sampler "tpe"; allowed: grid, random, cmaes`},
		"Trials":        {"nothing cannot be tried", "    trials: 0\n", "spec.tune.trials: want at least 1, got 0"},
		"Folds":         {"without a fold nothing is held out", "    folds: 0\n", "spec.tune.folds: want at least 1, got 0"},
		"LowerLimit":    {"constraints are upper limits", "    constraints: [reversals >= 1]\n", "spec.tune.constraints[0]: "},
		"UnknownField":  {"unknown fields are errors", "    trails: 5\n", "trails"},
		"NoPath":        {"a parameter has a path", "    parameters: [{range: 1..2}]\n", "spec.tune.parameters[0].path: required"},
		"Twice":         {"a field has one range", "    parameters: [{path: a, range: 1..2}, {path: a, range: 1..3}]\n", "spec.tune.parameters[1].path: a is searched twice"},
		"RangeAndList":  {"either a range or a list", "    parameters: [{path: a, range: 1..2, values: [1]}]\n", "spec.tune.parameters[0]: want exactly one of range and values"},
		"NeitherOfThem": {"either a range or a list", "    parameters: [{path: a}]\n", "spec.tune.parameters[0]: want exactly one of range and values"},
		"NoRange":       {"a range has two ends", "    parameters: [{path: a, range: 1-2}]\n", `spec.tune.parameters[0].range: "1-2" is no range; want LOW..HIGH such as 0..900`},
		"Scale":         {"a scale must be known", "    parameters: [{path: a, range: 1..2, scale: sqrt}]\n", `spec.tune.parameters[0].scale: unknown scale "sqrt"; allowed: linear, log`},
		"StepOfList":    {"a list has no step", "    parameters: [{path: a, values: [1], step: 2}]\n", "spec.tune.parameters[0].step: is for a range only"},
		"LogWithStep":   {"ratios have no step", "    parameters: [{path: a, range: 1..2, scale: log, step: 1}]\n", "spec.tune.parameters[0].step: a range searched by ratios has no step"},
		"ValueOfList":   {"values are scalars", "    parameters: [{path: a, values: [[1]]}]\n", "want a string, a number, a boolean or null"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := ParseText("x.yaml", []byte(tuneHead+c.tune))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %q in it", c.reason, err, c.want)
			}
		})
	}
}
