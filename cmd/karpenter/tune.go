package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/replay"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/tune"
)

// tuneFlags has the flags of a search besides those that say what it is about.
type tuneFlags struct {
	out, format             string
	sampler                 string
	trials, folds           int
	seed                    int64
	constraints, parameters []string
	season                  bool
	shard                   string
	resume                  bool
}

func (f *tuneFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.out, "out", "", "directory to write the result to (required)")
	addFormat(c, &f.format)
	f.addSearch(c)
	flags.StringVar(&f.shard, "shard", "", "carry out only part i of n of the search, I/N; tune merge puts the parts together")
	flags.BoolVar(&f.resume, "resume", false, "go on where a killed search to the same --out ended")
}

// addSearch adds the flags that say how is searched.
func (f *tuneFlags) addSearch(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.sampler, "sampler", "", "grid, random or cmaes (default: the scenario's, else random)")
	flags.IntVar(&f.trials, "trials", 0, fmt.Sprintf("candidates to play; of a grid, at most (default: the scenario's, else %d)", tune.DefaultTrials))
	flags.Int64Var(&f.seed, "seed", 0, "seed of the sampler (default: the scenario's)")
	flags.IntVar(&f.folds, "folds", 0, fmt.Sprintf("walk-forward folds (default: the scenario's, else %d)", tune.DefaultFolds))
	flags.StringArrayVar(&f.constraints, "constraint", nil, "upper limit on a figure over the whole time, e.g. 'breach_minutes <= 5' (repeatable)")
	flags.BoolVar(&f.season, "season", false, "also try a second metric that looks at the same time of the last 7 days, in PromQL; needs 8 days or more recorded")
	flags.StringArrayVar(&f.parameters, "parameter", nil, "field to search: PATH=LOW..HIGH[:log|:STEP] or PATH=[A,B,C]; PATH may end in a range of its query, e.g. spec.metrics[0].prometheus.query[5m] (repeatable; default: targets, tolerances, windows and rates)")
}

func (a *app) tuneCommand() *cobra.Command {
	var flags tuneFlags
	var replayed replayFlags
	c := &cobra.Command{
		Use:   "tune (-f MANIFESTS --recording SRC ... | SCENARIO.yaml ...) --out DIR",
		Short: "Search behaviour parameters: cost against under-provisioning, judged on held-out windows",
		Long: `Plays many candidates of a policy over the same demand and says which trade of
cost against under-provisioning each buys. Windows of time are held out: what is
recommended beat the current policy in time that it was not chosen by. Where
nothing does, the answer is to keep what you have.`,
		Example: `  karpenter tune -f ha.yaml --recording requests.csv --ready-after 2m --out out
  karpenter tune scenario.yaml --sampler cmaes --trials 800 --constraint 'breach_minutes <= 5' --out out
  karpenter tune scenario.yaml --shard 2/4 --out part-2`,
		RunE: func(c *cobra.Command, paths []string) error {
			inputs := slices.Concat(replayed.inputs(), flagInputs("scenario", paths...))
			if err := checkOutput(flags.out, tuneOutput, inputs...); err != nil {
				return err
			}
			files, err := a.tuneFiles(c, paths, &replayed)
			if err != nil {
				return err
			}
			for _, f := range files {
				if len(paths) > 0 {
					inputs = append(inputs, flagInputs("scenario", f.Path)...)
				}
			}
			t := &tuner{app: a, flags: flags, inputs: inputs, command: a.tuneCommandLine()}
			err = t.run(c, files)
			if len(paths) == 0 {
				err = replayed.InFlags(err, files[0].Path)
			}
			return err
		},
	}
	replayed.add(c)
	for _, name := range []string{"filename", "recording"} {
		flag := c.Flags().Lookup(name)
		flag.Usage = strings.Replace(flag.Usage, "required)", "required unless scenarios are given)", 1)
	}
	flags.add(c)
	c.AddCommand(a.tuneMergeCommand(), a.tuneManifestCommand())
	return c
}

// tuneFiles are the scenarios that are named, or that the flags mean.
func (a *app) tuneFiles(c *cobra.Command, paths []string, replayed *replayFlags) ([]*scenario.File, error) {
	if len(paths) == 0 {
		file, err := a.replayScenario(c.Context(), replayed)
		if err != nil {
			return nil, err
		}
		return []*scenario.File{file}, nil
	}
	if len(replayed.Manifests)+len(replayed.Recordings) > 0 {
		return nil, errors.New("either scenarios or -f and --recording, not both: a scenario names its own")
	}
	if err := replay.CheckFeatures(replayed.Features); err != nil {
		return nil, err
	}
	return scenario.LoadAll(paths, scenario.Options{Stdin: a.stdin, EnableFeatures: replayed.Features})
}

// tuneCommandLine is a call with the same result: with another directory, and
// without what makes only a part of it.
func (a *app) tuneCommandLine() string {
	words := []string{"karpenter"}
	for i := 0; i < len(a.args); i++ {
		name, _, joined := strings.Cut(a.args[i], "=")
		switch name {
		case "--shard", "--out":
			if !joined {
				i++
			}
			continue
		case "--resume", "--quiet", "-q":
			continue
		}
		words = append(words, quoteArgument(a.args[i]))
	}
	return strings.Join(append(words, "--out", "out"), " ")
}

// A tuner carries out a search and writes what came of it.
type tuner struct {
	*app
	flags   tuneFlags
	command string
	// inputs lists the files that the call reads besides those that its scenarios refer to.
	inputs []output.Input
	jobs   []*runs.Job
	search *tune.Search
	// owners has the objects that the autoscalers were made of, as a shard found them; nil
	// where they are still to be found.
	owners []tune.Owner
	// about describes the search, digest names it.
	about  tune.Description
	digest string
}

func (t *tuner) close() {
	for _, j := range t.jobs {
		j.Close()
	}
}

// run searches, all of it or one shard, and writes the output.
func (t *tuner) run(c *cobra.Command, files []*scenario.File) error {
	if err := checkFormat(t.flags.format); err != nil {
		return err
	}
	part, err := tune.ParseShard(t.flags.shard)
	if err != nil {
		return err
	}
	if err := t.flags.settle(c, files); err != nil {
		return err
	}
	if err := excludeInputs(t.flags.out, slices.Concat(t.inputs, inputsOf(files))); err != nil {
		return err
	}
	out, err := openOutput(t.flags.out, tuneOutput)
	if err != nil {
		return err
	}
	defer out.Close()
	defer t.close()
	if err := t.checkWork(out); err != nil {
		return err
	}
	if err := t.prepare(c.Context(), files); err != nil {
		return err
	}
	work, err := t.openWork(out, part)
	if err != nil {
		return err
	}
	defer work.close()
	if err := t.runUnits(c.Context(), work, part); err != nil {
		return work.abandon(c.Context(), err)
	}
	if part.Of > 1 {
		err = t.writeShard(out, work, part)
	} else {
		err = t.finish(c.Context(), out, work.trials())
	}
	if err != nil {
		return err
	}
	return work.remove()
}

// prepare makes a search of the scenarios and plays the current policies.
func (t *tuner) prepare(ctx context.Context, files []*scenario.File) error {
	var errs []error
	o := tune.Options{}
	for _, f := range files {
		j, err := runs.Prepare(ctx, withoutRest(f), runs.Options{Version: version()})
		if j != nil {
			t.jobs = append(t.jobs, j)
			j.Input.Precompute()
			owners := t.owners
			if owners == nil {
				var wrong error
				owners, wrong = tune.Owners(f.Manifests)
				err = errors.Join(err, wrong)
			}
			o.Subjects = append(o.Subjects, tune.Subject{Name: f.Metadata.Name, Input: j.Input, Set: f.Manifests, Owners: owners})
		}
		errs = append(errs, err)
	}
	if err := manifest.JoinAll(errs...); err != nil {
		return err
	}
	if err := o.Take(files[0].Spec.Tune); err != nil {
		return err
	}
	o.Location = t.jobs[0].Location
	var err error
	if len(o.Parameters) == 0 {
		if o.Parameters, err = tune.DefaultParameters(o.Subjects); err != nil {
			return err
		}
		for i := range o.Parameters {
			files[0].Spec.Tune.Parameters = append(files[0].Spec.Tune.Parameters, o.Parameters[i].Stanza())
		}
	}
	if t.search, err = tune.New(ctx, o); err != nil {
		return err
	}
	return t.describe()
}

// runUnits carries out the units of a shard that are not done yet, as many at
// once as there are cores.
func (t *tuner) runUnits(ctx context.Context, work *work, part tune.Shard) error {
	if !t.search.Trusted() {
		return nil
	}
	var due []int
	for unit := 1; unit <= t.search.Units(); unit++ {
		if part.Has(unit) && !work.done(unit) {
			due = append(due, unit)
		}
	}
	bar := t.newCountdown("candidates", len(due))
	defer bar.close()
	return t.each(ctx, len(due), func(i int) error {
		trials, err := t.search.Run(ctx, due[i])
		if err != nil {
			return err
		}
		bar.step()
		return work.add(due[i], trials)
	})
}

// each calls do for 0 to n-1, as many at once as there are cores.
func (t *tuner) each(ctx context.Context, n int, do func(i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(i)
		})
	}
	return group.Wait()
}

// finish judges the trials and writes the result.
func (t *tuner) finish(ctx context.Context, out *output.Dir, trials []tune.Trial) error {
	outcome, err := t.search.Finish(ctx, trials, func(n int, do func(int) error) error { return t.each(ctx, n, do) })
	if err != nil {
		return err
	}
	report, err := t.write(out.Set(), outcome)
	if err != nil {
		return internal(err)
	}
	if err := commit(out, t.flags.out); err != nil {
		return err
	}
	if err := t.tell(report); err != nil {
		return err
	}
	t.note("report: %s", filepath.Join(t.flags.out, "tune.html"))
	return nil
}

// withoutRest is a scenario without what only a run of its own needs.
func withoutRest(f *scenario.File) *scenario.File {
	s := *f.Scenario
	s.Spec.Expect, s.Spec.Variants = nil, nil
	s.Metadata.Annotations = maps.Clone(s.Metadata.Annotations)
	delete(s.Metadata.Annotations, scenario.CommandAnnotation)
	copied := *f
	copied.Scenario, copied.Variants = &s, nil
	return &copied
}
