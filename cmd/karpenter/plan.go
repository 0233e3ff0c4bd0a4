package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/replay"
)

// markdownFormat is a value of -o besides, of commands that write comments.
const markdownFormat = "markdown"

type planFlags struct {
	replayFlags
	out, format                string
	maxMoreBreach, maxMoreCost string
	allowUnjudged, yes         bool
	guards                     fleet.Guards
}

// notForPlan are replay's flags that plan has no use for.
var notForPlan = []string{"filename", "variant", "name"}

func (a *app) planCommand() *cobra.Command {
	var flags planFlags
	c := &cobra.Command{
		Use:   "plan BASE HEAD --recording SRC ...",
		Short: "What a change of policies does, object by object; guards decide the exit code",
		Long: `Plan compares two versions of manifests (files, directories or -, such as rendered
charts) and plays, over a recording, the autoscalers whose compiled policy is
another one. Both sides are measured by the yardstick of the policy before.

A change fails if it breaches for longer than before, beyond what slots that fall
differently explain, or costs 10 % more. What cannot be judged fails too, unless
--allow-unjudged is given.`,
		Example: `  karpenter plan base.yaml head.yaml --recording week.om.gz -o markdown > comment.md
  karpenter plan <(git show main:deploy/ha.yaml) deploy/ha.yaml --recording recordings/week \
      --max-more-breach 5m --max-more-cost 25%`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("%s given: want BASE and HEAD, the manifests before and after the change; see 'karpenter plan --help'", counted(len(args), "argument"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return a.plan(c.Context(), args[0], args[1], &flags) },
	}
	f := c.Flags()
	f.StringVar(&flags.out, "out", "", "directory to write plan.md, plan.json and a report for each change to")
	f.StringVarP(&flags.format, "output", "o", tableFormat, "what stdout shows: table, json, yaml or markdown")
	f.StringVar(&flags.maxMoreBreach, "max-more-breach", "", "how much more breach is allowed: a duration or a percentage (default: the noise)")
	f.StringVar(&flags.maxMoreCost, "max-more-cost", "10%", "how much more cost is allowed: a percentage, or a number of replica-hours")
	f.BoolVar(&flags.allowUnjudged, "allow-unjudged", false, "let changes pass that cannot be judged")
	f.BoolVar(&flags.yes, "yes", false, "run however long it takes")
	all := &cobra.Command{}
	flags.replayFlags.add(all)
	all.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(notForPlan, f.Name) {
			c.Flags().AddFlag(f)
		}
	})
	return c
}

func (f *planFlags) check(base, head string) error {
	if !slices.Contains([]string{tableFormat, jsonFormat, yamlFormat, markdownFormat}, f.format) {
		return fmt.Errorf("-o %s: want table, json, yaml or markdown", f.format)
	}
	if len(f.Recordings) == 0 {
		return errors.New("--recording is required: the metrics over which the change is played")
	}
	if base == stdinPath && head == stdinPath {
		return errors.New("- -: standard input can be one version only; name the other one")
	}
	var err error
	if f.maxMoreBreach != "" {
		if f.guards.Breach, err = fleet.ParseBreach(f.maxMoreBreach); err != nil {
			return fmt.Errorf("--max-more-breach %w", err)
		}
	}
	if f.guards.Cost, err = fleet.ParseCost(f.maxMoreCost); err != nil {
		return fmt.Errorf("--max-more-cost %w", err)
	}
	if f.out == "" {
		return nil
	}
	return checkOutput(f.out, output.Options{Kind: output.Reports}, f.planInputs(base, head)...)
}

func (f *planFlags) planInputs(base, head string) []output.Input {
	return slices.Concat(flagInputs("BASE", base), flagInputs("HEAD", head), f.inputs())
}

func (a *app) plan(ctx context.Context, base, head string, f *planFlags) error {
	if err := f.check(base, head); err != nil {
		return err
	}
	metrics, err := f.Parse()
	if err != nil {
		return err
	}
	enforce, err := f.Enforced()
	if err != nil {
		return err
	}
	before, err := a.version("BASE", base, metrics, enforce)
	if err != nil {
		return err
	}
	after, err := a.version("HEAD", head, metrics, enforce)
	if err != nil {
		return err
	}
	if err := metrics.Unused(); err != nil {
		return err
	}
	changes, unchanged := sim.Changes(before, after)
	if len(changes)+unchanged == 0 {
		return fmt.Errorf("%s, %s: no HorizontalAutoscaler, HorizontalPodAutoscaler or ScaledObject in either", base, head)
	}
	temporary, err := os.MkdirTemp("", "karpenter-plan-")
	if err != nil {
		return internal(err)
	}
	defer os.RemoveAll(temporary)
	f.Cache = recording.NewCache(filepath.Join(temporary, "recordings"))
	p := &planner{app: a, flags: f, metrics: metrics, dir: filepath.Join(temporary, "out"), final: f.out}
	var out *output.Dir
	if f.out != "" {
		if out, err = openOutput(f.out, output.Options{Kind: output.Reports}); err != nil {
			return err
		}
		defer out.Close()
		p.dir = out.Set()
	}
	plan := &fleet.Plan{Version: version(), Command: a.commandLine(), Unchanged: unchanged, AllowUnjudged: f.allowUnjudged}
	if len(changes) > 0 {
		if err := p.play(ctx, changes, plan); err != nil {
			return err
		}
	}
	plan.Finish()
	if out != nil {
		if err := p.write(plan); err != nil {
			return err
		}
		if err := commit(out, f.out); err != nil {
			return err
		}
	}
	return a.tellPlan(plan, f)
}

// version reads one of the two versions of manifests.
func (a *app) version(name, path string, metrics *replay.Queries, enforce promql.Label) (*sim.Version, error) {
	set, unread, err := manifest.LoadEach(metrics.Namespace, []string{path}, a.stdin)
	// What a file holds behind a mistake of its syntax would pass for gone.
	if err := manifest.Join(unread, err); err != nil {
		return nil, err
	}
	if name == "HEAD" {
		a.noteSkipped(set)
		a.noteNamespace(set, metrics.Options())
	}
	v, conversions := sim.NewVersion(set, metrics.Options(), enforce)
	if name == "HEAD" {
		a.conversions = append(a.conversions, conversions...)
	}
	return v, nil
}

// tellPlan prints the plan and turns it into an exit code.
func (a *app) tellPlan(plan *fleet.Plan, f *planFlags) error {
	var err error
	switch f.format {
	case tableFormat:
		_, err = fmt.Fprint(a.stdout, plan.Table())
	case markdownFormat:
		_, err = fmt.Fprint(a.stdout, plan.Markdown())
	default:
		err = a.encode(f.format, plan)
	}
	if err != nil {
		return err
	}
	if f.out != "" {
		a.note("plan: %s", filepath.Join(f.out, planMarkdown))
	}
	for i := range plan.Rows {
		row := &plan.Rows[i]
		for _, text := range row.Failures(plan.AllowUnjudged) {
			a.annotate(reports.Annotation{File: row.File, Line: row.Line, Title: row.Object, Message: text})
		}
	}
	return failedPlan(plan)
}

// failedPlan is the error of a plan that does not pass: the rows and guards.
func failedPlan(plan *fleet.Plan) error {
	if plan.Passed {
		return nil
	}
	return &statusError{exitFailed, errors.New(strings.Join(plan.Failures(), "\n"))}
}

func instantText(t time.Time) string { return t.UTC().Format(time.RFC3339) }
