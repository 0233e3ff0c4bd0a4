package main

import (
	"fmt"
	"reflect"

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
		merged.Parameters = append(merged.Parameters, p.Stanza())
	}
	for _, file := range files {
		file.Spec.Tune = &merged
	}
	return nil
}
