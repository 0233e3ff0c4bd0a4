package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// simulateFlags say which scenarios run, and how.
type simulateFlags struct {
	runFlags
	enforce        enforceFlag
	seed           int64
	pattern        string
	manifests      []string
	baseline, zone string
	update         bool
	// reseeded says that the seed was given.
	reseeded bool
}

func (a *app) simulateCommand() *cobra.Command {
	var flags simulateFlags
	c := &cobra.Command{
		Use:   "simulate SCENARIO.yaml|DIR ...",
		Short: "Run scenarios; their expectations decide the exit code",
		Example: `  karpenter simulate scenarios/ --out out
  karpenter simulate scenarios/flash-crowd.yaml --check-determinism --out out`,
		Args: someArgs("a scenario, or a directory with scenarios"),
		RunE: func(c *cobra.Command, paths []string) error {
			flags.reseeded = c.Flags().Changed("seed")
			return a.simulate(c.Context(), paths, &flags)
		},
	}
	flags.add(c)
	c.Flags().Int64Var(&flags.seed, "seed", 0, "replaces the seed of every scenario")
	flags.enforce.add(c.Flags())
	c.Flags().StringVar(&flags.pattern, "run", "", "only scenarios whose name matches this regular expression")
	c.Flags().StringArrayVar(&flags.manifests, "manifests", nil, "manifests that replace the scenarios' own (repeatable)")
	c.Flags().StringVar(&flags.zone, "tz", "", "time zone of the reports (default: the scenario's, else UTC)")
	c.Flags().StringVar(&flags.baseline, "baseline", "", "manifests of another version, of which each scenario takes its own, or the --out directory of another call: shown beside this one as column baseline")
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
	if err := flags.checkUpdate(paths); err != nil {
		return err
	}
	enforce, err := flags.enforce.label()
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
	files, err := scenario.LoadAll(paths, scenario.Options{Run: run, Manifests: flags.manifests, Stdin: a.stdin})
	if err != nil {
		return err
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
	session := &session{app: a, flags: flags.runFlags, inputs: inputs, update: flags.update, arguments: flags.arguments()}
	if len(files) > 1 {
		session.command = flags.command(paths)
	}
	if session.baseline, err = a.openBaseline(flags.baseline, files); err != nil {
		return err
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
	case f.enforce.name != "":
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
	if f.enforce.name != "" {
		text += " --enforce-label " + quoteArgument(f.enforce.name)
	}
	for _, m := range f.manifests {
		text += " --manifests " + quoteArgument(m)
	}
	if f.baseline != "" {
		text += " --baseline " + quoteArgument(f.baseline)
	}
	if f.zone != "" {
		text += " --tz " + quoteArgument(f.zone)
	}
	return text
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
