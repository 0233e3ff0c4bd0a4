package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
)

// Tune says what the tune command searches; flags replace its parts. Other
// commands pass it over.
type Tune struct {
	// Sampler is grid, random or cmaes; random if absent.
	Sampler string `json:"sampler,omitempty"`
	// Trials is how many candidates are played; 300 if absent.
	Trials *int `json:"trials,omitempty"`
	// Seed is the sampler's; the scenario's if absent.
	Seed *int64 `json:"seed,omitempty"`
	// Folds is the number of walk-forward folds; 4 if absent.
	Folds *int `json:"folds,omitempty"`
	// Constraints are upper limits over the whole run, e.g. breach_minutes <= 5.
	Constraints []string `json:"constraints,omitempty"`
	// Season also tries a second metric that looks at the same time of the last 7
	// days; it needs 8 days or more.
	Season bool `json:"season,omitempty"`
	// Parameters are the fields to search; a default space if absent.
	Parameters []TuneParameter `json:"parameters,omitempty"`
}

// A TuneParameter is one field to search, over a range or a list of values.
type TuneParameter struct {
	// Path is the field's path, e.g. spec.behavior.scaleUp.tolerance; a range
	// in a query is named after the query's path: spec.metrics[0].prometheus.query[5m].
	Path string `json:"path"`
	// Range is LOW..HIGH, of numbers or, in a query, of durations.
	Range string `json:"range,omitempty"`
	// Scale is linear or log; linear if absent.
	Scale string `json:"scale,omitempty"`
	// Step is the distance of the values in a range; any value will do if absent.
	Step TuneValue `json:"step,omitempty"`
	// Values is a list to choose from in place of a range.
	Values []TuneValue `json:"values,omitempty"`
	// With are assignments without which the field alone would not be valid, in
	// helm's syntax.
	With Assignments `json:"with,omitempty"`
}

// A TuneValue is a value in the syntax of an assignment. It may be written as a
// string, a number, a boolean or null.
type TuneValue string

// UnmarshalJSON reads any scalar.
func (v *TuneValue) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var read any
	if err := decoder.Decode(&read); err != nil {
		return err
	}
	if text, ok := read.(string); ok {
		*v = TuneValue(text)
		return nil
	}
	text, err := assigned(read)
	if err != nil {
		return errors.New("want a string, a number, a boolean or null")
	}
	*v = TuneValue(text)
	return nil
}

var tuneRange = regexp.MustCompile(`^\s*(\S+?)\s*\.\.\s*(\S+)\s*$`)

// Bounds are the range's ends as they are written; ok says that there are two.
func (p *TuneParameter) Bounds() (low, high string, ok bool) {
	m := tuneRange.FindStringSubmatch(p.Range)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// The samplers and scales.
var (
	tuneSamplers = []string{"grid", "random", "cmaes"}
	tuneScales   = []string{"linear", "log"}
)

func (v *validation) checkTune() {
	t := v.spec.Tune
	if t == nil {
		return
	}
	if t.Sampler != "" && !slices.Contains(tuneSamplers, t.Sampler) {
		v.fail("spec.tune.sampler", "unknown sampler %q; allowed: grid, random, cmaes", t.Sampler)
	}
	if t.Trials != nil && *t.Trials < 1 {
		v.fail("spec.tune.trials", "want at least 1, got %d", *t.Trials)
	}
	if t.Folds != nil && *t.Folds < 1 {
		v.fail("spec.tune.folds", "want at least 1, got %d", *t.Folds)
	}
	for i, text := range t.Constraints {
		c, err := ParseCondition(text)
		if err != nil || c.Op != "<" && c.Op != "<=" {
			v.fail(index("spec.tune.constraints", i), "%q is no upper limit; want FIGURE <= NUMBER such as breach_minutes <= 5", text)
		}
	}
	seen := map[string]bool{}
	for i := range t.Parameters {
		v.checkTuneParameter(index("spec.tune.parameters", i), &t.Parameters[i], seen)
	}
}

func (v *validation) checkTuneParameter(at string, p *TuneParameter, seen map[string]bool) {
	switch {
	case p.Path == "":
		v.fail(at+".path", "required")
	case seen[p.Path]:
		v.fail(at+".path", "%s is searched twice", p.Path)
	}
	seen[p.Path] = true
	if (p.Range == "") == (len(p.Values) == 0) {
		v.fail(at, "want exactly one of range and values")
	}
	if _, _, ok := p.Bounds(); p.Range != "" && !ok {
		v.fail(at+".range", "%q is no range; want LOW..HIGH such as 0..900", p.Range)
	}
	if p.Scale != "" && !slices.Contains(tuneScales, p.Scale) {
		v.fail(at+".scale", "unknown scale %q; allowed: linear, log", p.Scale)
	}
	for _, f := range []struct{ name, value string }{{"scale", p.Scale}, {"step", string(p.Step)}} {
		if f.value != "" && p.Range == "" {
			v.fail(at+"."+f.name, "is for a range only")
		}
	}
	if p.Scale == "log" && p.Step != "" {
		v.fail(at+".step", "a range searched by ratios has no step")
	}
}
