package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// notForInit are the flags of replay whose meaning a scenario that others
// run from a directory of their own could not keep.
var notForInit = []string{"name", "variant"}

func (a *app) initCommand() *cobra.Command {
	var replay replayFlags
	var out string
	c := &cobra.Command{
		Use:   "init -f MANIFESTS --recording SRC ... --out DIR",
		Short: "Write a scenario for every autoscaler, ready for CI",
		Long: `Init writes one scenario for every autoscaler in the manifests: it replays the
recording and expects no worse than what the present policy makes of it. The
scenarios name manifests and recordings by relative paths, so the directory
belongs beside them in version control. Nothing is overwritten.`,
		Example: `  helm template . > rendered.yaml
  karpenter init -f rendered.yaml --recording recordings/october --out autoscaling
  karpenter simulate autoscaling --out out`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.init(c.Context(), &replay, out) },
	}
	c.Flags().StringVar(&out, "out", "", "directory to write the scenarios to (required)")
	all := &cobra.Command{}
	replay.add(all)
	all.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(notForInit, f.Name) {
			c.Flags().AddFlag(f)
		}
	})
	return c
}

// init writes the directory, or nothing at all.
func (a *app) init(ctx context.Context, f *replayFlags, out string) error {
	if out == "" {
		return errors.New("--out is required: the directory that the scenarios are written to")
	}
	set, spec, err := a.initInput(ctx, f)
	if err != nil {
		return err
	}
	starters := startersOf(set, spec, out)
	if err := starters.refuse(out); err != nil {
		return err
	}
	dir, err := openOutput(out, initOutput)
	if err != nil {
		return err
	}
	defer dir.Close()
	for _, s := range starters {
		if err := s.complete(ctx, a); err != nil {
			return f.inFlags(err, s.path, sim.ScenarioFile) // what Write refuses has no path yet
		}
	}
	if err := starters.write(dir, out); err != nil {
		return err
	}
	for _, s := range starters {
		fmt.Fprintln(a.stdout, s.path)
	}
	a.tellLosses()
	a.note("next: karpenter simulate %s --out out", quoteArgument(out))
	return nil
}

// initInput reads the manifests and what replay would make of the flags.
func (a *app) initInput(ctx context.Context, f *replayFlags) (*manifest.Set, *scenario.Spec, error) {
	if len(f.manifests) == 0 || len(f.recordings) == 0 {
		return nil, nil, errors.New("-f and --recording are required: the manifests of the autoscalers and the metrics to replay them over")
	}
	if slices.Contains(f.manifests, "-") {
		return nil, nil, errors.New("-f -: a scenario names its manifests by path; write them to a file first")
	}
	metrics, err := f.parse()
	if err != nil {
		return nil, nil, err
	}
	set, err := manifest.LoadIn(metrics.namespace, f.manifests, nil)
	if err != nil {
		return nil, nil, err
	}
	notes, err := a.adopt(set, metrics.options())
	if err != nil {
		return nil, nil, err
	}
	if err := metrics.unused(); err != nil {
		return nil, nil, err
	}
	for _, n := range notes {
		a.note("%s", n)
	}
	if len(set.Autoscalers) == 0 {
		return nil, nil, fmt.Errorf("-f %s: no HorizontalAutoscaler, HorizontalPodAutoscaler or ScaledObject in it", strings.Join(f.manifests, " -f "))
	}
	enforce, err := f.enforce.label()
	if err != nil {
		return nil, nil, err
	}
	if _, err := sim.Resolve(set, enforce, f.features...); err != nil {
		return nil, nil, err
	}
	spec := &scenario.Spec{}
	if metrics.namespace != "" || metrics.allowLoss {
		spec.Conversion = &scenario.Conversion{Namespace: metrics.namespace, AllowLoss: metrics.allowLoss}
	}
	if len(metrics.queries) > 0 {
		spec.Metrics = metrics.queries
	}
	return set, spec, f.fill(ctx, spec, set)
}
