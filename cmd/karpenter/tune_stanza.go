package main

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/tune"
)

// settle completes spec.tune of all scenarios by flags and defaults, so that
// they say everything about the search.
func (f *tuneFlags) settle(c *cobra.Command, files []*scenario.File) error {
	merged := scenario.Tune{}
	var from *scenario.File
	for _, file := range files {
		switch {
		case file.Spec.Tune == nil:
		case from == nil:
			merged, from = *file.Spec.Tune, file
		case !reflect.DeepEqual(*file.Spec.Tune, merged):
			return file.Doc.Errorf("spec.tune", "differs from %s; one search has one space", from.Doc.Locate("spec.tune"))
		}
	}
	if f.sampler != "" {
		merged.Sampler = f.sampler
	}
	if merged.Sampler == "" {
		merged.Sampler = tune.Random
	}
	for _, number := range []struct {
		flag     string
		given    int
		into     **int
		standard int
	}{{"trials", f.trials, &merged.Trials, tune.DefaultTrials}, {"folds", f.folds, &merged.Folds, tune.DefaultFolds}} {
		switch {
		case c.Flags().Changed(number.flag) && number.given < 1:
			return fmt.Errorf("--%s %d: want at least 1", number.flag, number.given)
		case c.Flags().Changed(number.flag):
			*number.into = &number.given
		case *number.into == nil:
			*number.into = &number.standard
		}
	}
	if c.Flags().Changed("seed") {
		merged.Seed = &f.seed
	}
	if merged.Seed == nil {
		merged.Seed = &files[0].Spec.Seed
	}
	merged.Season = merged.Season || f.season
	if len(f.constraints) > 0 {
		merged.Constraints = f.constraints
	}
	if len(f.parameters) > 0 {
		merged.Parameters = nil
	}
	for _, text := range f.parameters {
		p, err := tune.ParseParameter(text)
		if err != nil {
			return fmt.Errorf("--parameter %s: %w", text, err)
		}
		merged.Parameters = append(merged.Parameters, stanzaOf(&p))
	}
	for _, file := range files {
		file.Spec.Tune = &merged
	}
	return nil
}

// stanza makes options of a completed spec.tune.
func stanza(o *tune.Options, t *scenario.Tune) error {
	o.Sampler, o.Trials, o.Folds, o.Seed, o.Season = t.Sampler, *t.Trials, *t.Folds, *t.Seed, t.Season
	var errs []error
	for _, text := range t.Constraints {
		c, err := tune.ParseConstraint(text)
		o.Constraints, errs = append(o.Constraints, c), append(errs, err)
	}
	for i := range t.Parameters {
		p, err := parameterOf(&t.Parameters[i])
		o.Parameters, errs = append(o.Parameters, p), append(errs, err)
	}
	return errors.Join(errs...)
}

func parameterOf(given *scenario.TuneParameter) (tune.Parameter, error) {
	p := tune.Parameter{Path: given.Path, With: given.With}
	for _, v := range given.Values {
		p.Values = append(p.Values, string(v))
	}
	low, high, ok := given.Bounds()
	if !ok {
		return p, nil
	}
	how := given.Scale
	if given.Step != "" {
		how = string(given.Step)
	}
	return p, p.SetRange(low, high, how)
}

func stanzaOf(p *tune.Parameter) scenario.TuneParameter {
	out := scenario.TuneParameter{Path: p.Path, With: p.With}
	for _, v := range p.Values {
		out.Values = append(out.Values, scenario.TuneValue(v))
	}
	if len(p.Values) > 0 {
		return out
	}
	low, high, step := p.Bounds()
	out.Range, out.Step = low+".."+high, scenario.TuneValue(step)
	if p.Log {
		out.Scale = "log"
	}
	return out
}

var shardPattern = regexp.MustCompile(`^([0-9]{1,6})(\+1)?/([0-9]{1,6})$`)

// parseShard reads I/N, or I+1/N where I counts from 0; nothing is the whole.
func parseShard(text string) (shard, error) {
	if text == "" {
		return shard{1, 1}, nil
	}
	var s shard
	if m := shardPattern.FindStringSubmatch(text); m != nil {
		s.part, _ = strconv.Atoi(m[1])
		s.of, _ = strconv.Atoi(m[3])
		if m[2] != "" {
			s.part++
		}
	}
	if s.part < 1 || s.part > s.of {
		return s, fmt.Errorf("--shard %s: want I/N with I from 1 to N, e.g. 2/4", text)
	}
	return s, nil
}

// A shard is part I of N of a search.
type shard struct{ part, of int }

func (s shard) String() string { return strconv.Itoa(s.part) + "/" + strconv.Itoa(s.of) }

// has says whether a unit belongs to the shard.
func (s shard) has(unit int) bool { return (unit-1)%s.of == s.part-1 }
