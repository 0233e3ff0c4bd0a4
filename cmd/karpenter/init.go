package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// notForInit are the flags of replay whose meaning a scenario that others
// run from a directory of their own could not keep.
var notForInit = []string{"name", "variant"}

func (a *app) initCommand() *cobra.Command {
	var flags initFlags
	c := &cobra.Command{
		Use:   "init -f MANIFESTS --recording SRC ... --out DIR",
		Short: "Write a scenario for every autoscaler, ready for CI",
		Long: `Init writes one scenario for every autoscaler in the manifests: it replays the
recording and expects no more breach and no more cost than the present policy has,
measured by what it is measured by today. The scenarios name manifests and
recordings by relative paths, so the directory belongs beside them in version
control. Nothing is overwritten.

With --sync it brings such a directory up to date: scenarios of new autoscalers are
added, those of present ones expect what comes of the policy as it is now, with the
yardstick that they have, and those whose autoscaler is gone are removed. What else
stands in a scenario stays; its comments do not.`,
		Example: `  helm template . > rendered.yaml
  karpenter init -f rendered.yaml --recording recordings/october --out autoscaling
  karpenter simulate autoscaling --out out
  karpenter init --sync -f rendered.yaml --recording recordings/october --out autoscaling`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.init(c.Context(), &flags) },
	}
	c.Flags().StringVar(&flags.out, "out", "", "directory to write the scenarios to (required)")
	c.Flags().BoolVar(&flags.sync, "sync", false, "bring a directory that init wrote up to date: add, update and remove scenarios as manifests come and go")
	c.Flags().BoolVar(&flags.golden, "golden", false, "expect the very same decisions, too, and write a summary beside each scenario")
	all := &cobra.Command{}
	flags.add(all)
	all.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(notForInit, f.Name) {
			c.Flags().AddFlag(f)
		}
	})
	return c
}

// init writes the directory, or nothing at all.
type initFlags struct {
	replayFlags
	out          string
	sync, golden bool
}

func (a *app) init(ctx context.Context, f *initFlags) error {
	if f.out == "" {
		return errors.New("--out is required: the directory that the scenarios are written to")
	}
	temporary, err := os.MkdirTemp("", "karpenter-init-")
	if err != nil {
		return internal(err)
	}
	defer os.RemoveAll(temporary)
	f.Cache = recording.NewCache(temporary)
	set, spec, err := a.initInput(ctx, &f.replayFlags)
	if err != nil {
		return err
	}
	if f.sync {
		err = a.syncScenarios(ctx, f, set, spec)
	} else {
		err = a.writeScenarios(ctx, f, set, spec)
	}
	if err != nil {
		return err
	}
	a.tellLosses()
	a.note("next: karpenter simulate %s --out out", quoteArgument(f.out))
	return nil
}

// writeScenarios writes scenarios where there are none.
func (a *app) writeScenarios(ctx context.Context, f *initFlags, set *manifest.Set, spec *scenario.Spec) error {
	starters := startersOf(set, spec, f.out)
	if err := starters.refuse(f.out); err != nil {
		return err
	}
	dir, err := openOutput(f.out, initOutput)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := starters.complete(ctx, a, f); err != nil {
		return err
	}
	if err := starters.write(dir, f.out); err != nil {
		return err
	}
	for _, s := range starters {
		fmt.Fprintln(a.stdout, s.path)
	}
	return nil
}

// complete completes all, as many at once as there are cores.
func (all starters) complete(ctx context.Context, a *app, f *initFlags) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range all {
		group.Go(func() error {
			// What Write refuses has no path yet.
			return f.InFlags(s.complete(ctx, a, f.Cache, f.golden), s.path, sim.ScenarioFile)
		})
	}
	return group.Wait()
}

// initInput reads the manifests and what replay would make of the flags.
func (a *app) initInput(ctx context.Context, f *replayFlags) (*manifest.Set, *scenario.Spec, error) {
	if len(f.Manifests) == 0 || len(f.Recordings) == 0 {
		return nil, nil, errors.New("-f and --recording are required: the manifests of the autoscalers and the metrics to replay them over")
	}
	if slices.Contains(f.Manifests, "-") {
		return nil, nil, errors.New("-f -: a scenario names its manifests by path; write them to a file first")
	}
	metrics, err := f.Parse()
	if err != nil {
		return nil, nil, err
	}
	set, err := manifest.LoadIn(metrics.Namespace, f.Manifests, nil)
	if err != nil {
		return nil, nil, err
	}
	notes, err := a.adopt(set, metrics.Options())
	if err != nil {
		return nil, nil, err
	}
	if err := metrics.Unused(); err != nil {
		return nil, nil, err
	}
	for _, n := range notes {
		a.note("%s", n)
	}
	if len(set.Autoscalers) == 0 {
		return nil, nil, fmt.Errorf("-f %s: no HorizontalAutoscaler, HorizontalPodAutoscaler or ScaledObject in it", strings.Join(f.Manifests, " -f "))
	}
	enforce, err := f.Enforced()
	if err != nil {
		return nil, nil, err
	}
	if _, err := sim.Resolve(set, enforce, f.Features...); err != nil {
		return nil, nil, err
	}
	spec := &scenario.Spec{}
	if metrics.Namespace != "" || metrics.AllowLoss {
		spec.Conversion = &scenario.Conversion{Namespace: metrics.Namespace, AllowLoss: metrics.AllowLoss}
	}
	if len(metrics.Queries) > 0 {
		spec.Metrics = metrics.Queries
	}
	return set, spec, f.Fill(ctx, spec, set)
}
