package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/replay"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// simulateFlags say which scenarios run, and how.
type simulateFlags struct {
	runFlags
	enforce        string
	seed           int64
	pattern        string
	manifests      []string
	baseline, zone string
	update         bool
	features       []string
	// reseeded says that the seed was given.
	reseeded bool
}

func (a *app) simulateCommand() *cobra.Command {
	var flags simulateFlags
	c := &cobra.Command{
		Use:   "simulate SCENARIO.yaml|DIR ...",
		Short: "Run scenarios; their expectations decide the exit code",
		Long: `Simulate runs scenarios, and unit tests of rules as promtool test rules has them,
each over a Prometheus of its own. Every expectation, and every test, decides the exit
code. Of a directory it takes all scenarios and all unit test files.`,
		Example: `  karpenter simulate scenarios/ --out out
  karpenter simulate scenarios/flash-crowd.yaml --check-determinism --out out
  karpenter simulate rules/unittest.yaml --out out`,
		Args: someArgs("a scenario, or a directory with scenarios"),
		RunE: func(c *cobra.Command, paths []string) error {
			flags.reseeded = c.Flags().Changed("seed")
			return a.simulate(c.Context(), paths, &flags)
		},
	}
	flags.add(c)
	c.Flags().Int64Var(&flags.seed, "seed", 0, "replaces the seed of every scenario")
	addEnforceLabel(c.Flags(), &flags.enforce)
	c.Flags().StringVar(&flags.pattern, "run", "", "only scenarios, and tests of rules, whose name matches this regular expression")
	c.Flags().StringArrayVar(&flags.manifests, "manifests", nil, "manifests that replace the scenarios' own (repeatable)")
	c.Flags().StringVar(&flags.zone, "tz", "", "time zone of the reports (default: the scenario's, else UTC)")
	c.Flags().StringVar(&flags.baseline, "baseline", "", "manifests of another version, of which each scenario takes its own, or the --out directory of another call: shown beside this one as column baseline")
	addFeatures(c.Flags(), &flags.features)
	c.Flags().BoolVar(&flags.update, "update", false, "write the digests of the decisions into the scenario files")
	return c
}

func (a *app) simulate(ctx context.Context, paths []string, flags *simulateFlags) error {
	if err := checkFormat(flags.format); err != nil {
		return err
	}
	run, err := regexp.Compile(flags.pattern)
	if err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	if err := errors.Join(flags.checkUpdate(paths), replay.CheckFeatures(flags.features)); err != nil {
		return err
	}
	enforce, err := replay.EnforcedLabel(flags.enforce)
	if err != nil {
		return err
	}
	if flags.zone != "" {
		if _, err := parseZone(flags.zone); err != nil {
			return err
		}
	}
	inputs := slices.Concat(flagInputs("scenario", paths...), flagInputs("--manifests", flags.manifests...), flagInputs("--baseline", flags.baseline))
	if err := checkOutput(flags.out, output.Options{Kind: output.Reports}, inputs...); err != nil {
		return err
	}
	tests, rest, err := a.ruleTests(paths, flags.features)
	if err != nil {
		return err
	}
	all := tests
	if tests = matching(tests, run); flags.pattern != "" && len(all) > 0 && len(tests) == 0 && len(rest) == 0 {
		return fmt.Errorf("no test matches %q; there are %s", flags.pattern, strings.Join(ruleTestNames(all), ", "))
	}
	var files []*scenario.File
	if len(rest) > 0 {
		files, err = scenario.LoadAll(rest, scenario.Options{Run: run, Optional: len(tests) > 0, Manifests: flags.manifests, EnableFeatures: flags.features, Stdin: a.stdin})
		if err != nil {
			return err
		}
	}
	for _, f := range files {
		if flags.reseeded {
			f.Spec.Seed = flags.seed
		}
		if enforce != "" {
			f.Spec.Controller.EnforceLabel = string(enforce)
		}
		if flags.zone != "" {
			f.Metadata.Annotate(scenario.ZoneAnnotation, flags.zone)
		}
	}
	for _, f := range files {
		inputs = append(inputs, flagInputs("scenario", f.Path)...)
	}
	inputs = append(inputs, ruleTestInputs(tests)...)
	session := a.newSession(flags.runFlags, inputs)
	session.RuleTests, session.Update, session.Arguments = tests, flags.update, flags.arguments()
	if len(files) > 1 || len(tests) > 0 {
		session.Command = flags.command(paths)
	}
	if flags.baseline != "" {
		if session.Baseline, err = runs.OpenBaseline(flags.baseline, files, readRun); err != nil {
			return err
		}
	}
	return session.run(ctx, files)
}

// checkUpdate refuses to write digests that the scenario files, played as they
// are, would not have.
func (f *simulateFlags) checkUpdate(paths []string) error {
	switch {
	case !f.update:
		return nil
	case f.reseeded:
		return errors.New("--update and --seed: the digests would be those of another seed than the files name; change it there")
	case f.enforce != "":
		return errors.New("--update and --enforce-label: the digests would be those of other queries than the files ask; write spec.controller.enforceLabel there")
	case len(f.manifests) > 0:
		return errors.New("--update and --manifests: the digests would be those of other manifests than the files name; change them there")
	case slices.Contains(paths, stdinPath):
		return errors.New("--update: digests cannot be written into standard input; name the file")
	}
	return nil
}

// arguments are the flags that what comes of a scenario depends on.
func (f *simulateFlags) arguments() string {
	text := ""
	if f.reseeded {
		text += fmt.Sprintf(" --seed %d", f.seed)
	}
	if f.enforce != "" {
		text += " --enforce-label " + quoteArgument(f.enforce)
	}
	for _, m := range f.manifests {
		text += " --manifests " + quoteArgument(m)
	}
	if f.baseline != "" {
		text += " --baseline " + quoteArgument(f.baseline)
	}
	if len(f.features) > 0 {
		text += " --enable-feature " + quoteArgument(strings.Join(f.features, ","))
	}
	if f.zone != "" {
		text += " --tz " + quoteArgument(f.zone)
	}
	return text + f.whatIf.Argument()
}

// command repeats a call that runs several scenarios.
func (f *simulateFlags) command(paths []string) string {
	text := "karpenter simulate"
	for _, p := range paths {
		text += " " + quoteArgument(p)
	}
	if f.pattern != "" {
		text += " --run " + quoteArgument(f.pattern)
	}
	return text + f.arguments() + " --out out"
}
