package main

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/replay"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// replayFlags say what is replayed and how; tune takes the same.
type replayFlags struct{ replay.Options }

func (f *replayFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVarP(&f.Manifests, "filename", "f", nil, "manifests: file, directory or - (repeatable, required)")
	flags.StringArrayVar(&f.Recordings, "recording", nil, "recorded metrics: CSV, OpenMetrics (.om, .om.gz), query_range JSON, TSDB block or snapshot, or what record wrote (repeatable, required)")
	f.addColumns(flags)
	flags.StringArrayVar(&f.Replicas, "replicas", nil, "PromQL of a target's recorded ready replicas: [NS/]KIND/NAME=PROMQL, such as deploy/web='sum(web_replicas)' (repeatable)")
	flags.StringArrayVar(&f.Targets, "target", nil, "a target's replicas at the start: [NS/]KIND/NAME=N (repeatable; default: as recorded, else ceil(value / target) of AverageValue metrics, else max(1, minReplicas))")
	flags.StringArrayVar(&f.Prices, "price", nil, "what a replica costs an hour, in any currency: PRICE of all targets, or [NS/]KIND/NAME=PRICE of one (repeatable)")
	flags.StringArrayVar(&f.Variants, "variant", nil, "another policy for the same input: NAME=FILE or NAME=[[NS/]ha/NAME:]PATH=VALUE[,PATH=VALUE] (repeatable)")
	addConversion(flags, &f.Conversion)
	addEnforceLabel(flags, &f.EnforceLabel)
	flags.StringArrayVar(&f.Labels, "label", nil, "read only recorded series with this label, as if it stood in every selector: NAME=VALUE, e.g. cluster=eu1 (repeatable)")
	flags.StringVar(&f.Name, "name", "", "name of the run (default: the first manifest's)")
	flags.StringVar(&f.Zone, "tz", "UTC", "time zone of CSV times without an offset, and of the report")
	flags.StringVar(&f.Lookback, "lookback", "", "how old a sample may be that a query returns (default: the larger of 5m and 1.5 x the median spacing)")
	flags.StringVar(&f.ReadyAfter, "ready-after", "", "start-up delay of new replicas: a duration, or recorded, which draws each from the recorded pods' own (default: their median, else 0s)")
	flags.StringVar(&f.Demand, "demand", "", "PromQL of the demand (what arrives), in the units of --capacity; metrics that depend on the replicas follow it")
	flags.Float64Var(&f.Capacity, "capacity", 0, "units of demand that one replica serves")
	flags.DurationVar(&f.DemandLag, "demand-lag", 0, "how far behind --demand is: a rate over 1m shows what arrived 30s before on average; the demand counts so much earlier")
	flags.StringVar(&f.ScrapeInterval, "scrape-interval", "", "the controller's flag of this name: replicas that became ready within it before a decision scale nothing by themselves (default: since the last scrape, which a live controller does not know)")
	flags.Float64Var(&f.Saturation, "saturation", 0, "largest value that one replica can show of a Utilization metric (default: 1, or the largest recorded)")
	flags.Float64Var(&f.Scale, "scale", 1, "multiplies the demand")
	flags.BoolVar(&f.OpenLoop, "open-loop", false, "replay metrics that depend on replicas as recorded, although the recorded replicas are not known")
}

// addColumns adds the flags that say how a CSV is read.
func (f *replayFlags) addColumns(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.Series, "series", nil, "name a CSV column's series: COLUMN='name{label=\"x\"}', where COLUMN is a header, #NUMBER, or * for all headers that are labels only (repeatable)")
	flags.StringVar(&f.TimeColumn, "time-column", "", "the CSV column with the times: a header or #NUMBER (default: found by itself)")
	flags.StringVar(&f.TimeLayout, "time-layout", "", "how a CSV's times are written: '02.01.2006 15:04', '%d.%m.%Y %H:%M', unix, unixms, unixus, unixns or excel (default: found by itself)")
}

// inputs are the files and directories that the flags name.
func (f *replayFlags) inputs() []output.Input {
	inputs := slices.Concat(flagInputs("-f", f.Manifests...), flagInputs("--recording", f.Recordings...))
	for _, v := range f.Variants {
		if _, file, ok := strings.Cut(v, "="); ok && !strings.Contains(file, "=") {
			inputs = append(inputs, flagInputs("--variant", file)...)
		}
	}
	return inputs
}

func (a *app) replayCommand() *cobra.Command {
	var run runFlags
	var flags replayFlags
	c := &cobra.Command{
		Use:   "replay -f MANIFESTS --recording SRC ... --out DIR",
		Short: "Run recorded metrics through the engine: what would it have decided, why, at what cost",
		Example: `  karpenter replay -f ha.yaml --recording requests.csv --out out
  karpenter replay -f ha.yaml --recording requests.csv --variant 'fast=spec.behavior.scaleUp.policies[0].value=10' --out out`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkFormat(run.format); err != nil {
				return err
			}
			inputs := flags.inputs()
			if err := checkOutput(run.out, output.Options{Kind: output.Reports}, inputs...); err != nil {
				return err
			}
			file, err := a.replayScenario(c.Context(), &flags)
			if err != nil {
				return err
			}
			session := a.newSession(run, inputs)
			session.Command = file.Metadata.Annotations[scenario.CommandAnnotation]
			return flags.InFlags(session.run(c.Context(), []*scenario.File{file}), file.Path)
		},
	}
	run.add(c)
	flags.add(c)
	return c
}

// replayScenario returns the scenario that the flags mean.
func (a *app) replayScenario(ctx context.Context, f *replayFlags) (*scenario.File, error) {
	return f.Scenario(ctx, replay.Source{Stdin: a.stdin, Command: a.commandLine(), Convert: func(set *manifest.Set, o convert.Options, whole bool) ([]convert.Note, error) {
		if whole {
			return a.adoptAll(set, o)
		}
		return a.adopt(set, o)
	}})
}

// commandLine is the call as a shell reads it, without the values of headers and without
// passwords: reports are passed on.
func (a *app) commandLine() string {
	words := []string{"karpenter"}
	before := ""
	for _, arg := range a.args {
		flag, value, joined := strings.Cut(arg, "=")
		if !joined || !strings.HasPrefix(flag, "--") {
			flag, value = before, arg
			words = append(words, quoteArgument(public(flag, value)))
		} else {
			words = append(words, quoteArgument(flag+"="+public(flag, value)))
		}
		before = arg
	}
	return strings.Join(words, " ")
}

// public is the value of a flag without what is secret.
func public(flag, value string) string {
	switch flag {
	case "--header":
		name, _, _ := strings.Cut(value, "=")
		return name + "=SECRET"
	case "--prometheus":
		if u, err := url.Parse(value); err == nil && u.User != nil {
			u.User = url.User("SECRET")
			return u.String()
		}
	}
	return value
}
