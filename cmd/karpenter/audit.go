package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/whatif"
)

type auditFlags struct {
	replayFlags
	format string
	advise bool
}

// auditFormats lists the values of audit's -o.
var auditFormats = []string{tableFormat, markdownFormat, "html", jsonFormat, "csv"}

func (a *app) auditCommand() *cobra.Command {
	var flags auditFlags
	c := &cobra.Command{
		Use:   "audit -f MANIFESTS --recording SRC ...",
		Short: "Rank autoscalers by what went wrong and what it cost, with the change that would help most",
		Long: `Audit judges every autoscaler in the manifests over a recording: how long it lacked
capacity (or ran above its target) and why, how long it was at its bounds, what was
idle, how often it flapped, what of that is in doubt, and the one change of its policy
that would have helped most, with its gain, its price and a patch of the object as it
is written. The figures are those of the replicas that were recorded, where they were;
causes and changes are those of the policy, replayed. One that cannot be judged is a
row that says why.`,
		Example: `  karpenter audit -f rendered.yaml --recording recordings/fortnight
  karpenter audit -f deploy/ --recording week.om.gz -o html > audit.html`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.audit(c.Context(), &flags) },
	}
	c.Flags().StringVarP(&flags.format, "output", "o", tableFormat, "what stdout shows: table, markdown, html, json or csv")
	c.Flags().BoolVar(&flags.advise, "advise", true, "play changes for the one that helps most, which takes most of the time")
	all := &cobra.Command{}
	flags.replayFlags.add(all)
	all.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "variant" && f.Name != "name" {
			c.Flags().AddFlag(f)
		}
	})
	return c
}

func (a *app) audit(ctx context.Context, f *auditFlags) error {
	if !slices.Contains(auditFormats, f.format) {
		return fmt.Errorf("-o %s: want table, markdown, html, json or csv", f.format)
	}
	if len(f.Manifests) == 0 || len(f.Recordings) == 0 {
		return errors.New("-f and --recording are required: the manifests of the autoscalers and the metrics that were recorded of them")
	}
	changes, err := a.audited(f)
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp("", "karpenter-audit-")
	if err != nil {
		return internal(err)
	}
	defer os.RemoveAll(temporary)
	f.Cache = recording.NewCache(temporary)
	over, err := f.Over(ctx, changes)
	if err != nil {
		return f.InFlags(err, sim.ScenarioFile)
	}
	audit := &fleet.Audit{Version: version(), Command: a.commandLine(), Rows: make([]fleet.Finding, len(changes))}
	audit.From, audit.To = instantText(over.Spec.Start.Time), instantText(over.Spec.Start.Add(time.Duration(over.Spec.Duration)))
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	names := runNames(changes)
	for i := range changes {
		group.Go(func() error {
			c, row := &changes[i], &audit.Rows[i]
			row.Object, row.File, row.Line = strings.Join(c.Objects, ", "), c.At.File, c.At.Line
			if err := f.judge(running, c, names[i], over, row); err != nil {
				row.Unjudged = oneLineOf(err)
			}
			return running.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	audit.Finish()
	return a.tellAudit(audit, f.format)
}

// audited are the autoscalers of the manifests, by their targets.
func (a *app) audited(f *auditFlags) ([]sim.Change, error) {
	metrics, err := f.Parse()
	if err != nil {
		return nil, err
	}
	enforce, err := f.Enforced()
	if err != nil {
		return nil, err
	}
	set, err := manifest.LoadIn(metrics.Namespace, f.Manifests, a.stdin)
	if err != nil {
		return nil, err
	}
	a.noteSkipped(set)
	a.noteNamespace(set, metrics.Options())
	set.NodeGroups = nil // they do not decide by metrics
	v, _ := sim.NewVersion(set, metrics.Options(), enforce)
	if err := metrics.Unused(); err != nil {
		return nil, err
	}
	changes, _ := sim.Changes(&sim.Version{}, v)
	changes = slices.DeleteFunc(changes, func(c sim.Change) bool {
		return !slices.ContainsFunc(c.Objects, func(name string) bool { return !strings.Contains(name, "/mp/") })
	})
	if len(changes) == 0 {
		return nil, fmt.Errorf("-f %s: no HorizontalAutoscaler, HorizontalPodAutoscaler or ScaledObject in it", strings.Join(f.Manifests, " -f "))
	}
	return changes, nil
}

// judge replays the autoscalers of one target and fills the row.
func (f *auditFlags) judge(ctx context.Context, c *sim.Change, name string, over *scenario.Scenario, row *fleet.Finding) error {
	if c.Err != nil {
		return c.Err
	}
	file, err := c.File(name, over, "")
	if err != nil {
		return err
	}
	simulation, err := sim.Check(ctx, file, sim.CheckOptions{Cache: f.Cache})
	if err != nil {
		return err
	}
	defer simulation.Close()
	run, err := simulation.Play(ctx, sim.PlayOptions{Keep: true, Brief: true})
	if err != nil {
		return err
	}
	report, err := reports.Compute(run)
	if err != nil {
		return err
	}
	row.Fill(report)
	if !f.advise || report.Unranked() != "" || len(c.Head.Autoscalers) != 1 {
		return nil
	}
	return advise(ctx, simulation, c, report, row)
}

// advise plays each limit that the policy ran into without it, alone, and takes the
// change that helps most.
func advise(ctx context.Context, s *sim.Simulation, c *sim.Change, report *reports.Report, row *fleet.Finding) error {
	object := &report.Column(reports.Current).Objects[0]
	limits := object.Limits()
	if len(limits) == 0 {
		return nil
	}
	s.Input.Precompute()
	what := runs.NewWhatIf(s, report)
	// Only what helps alone is wanted.
	what.Limits = func(types.NamespacedName, func(io.Writer) (*sim.Result, error)) ([]result.Limit, error) {
		return nil, nil
	}
	fixes, err := what.Fixes(ctx, s.Columns[0].Autoscalers[0].Name(), limits)
	if err != nil {
		return err
	}
	best := row.Advise(report, fixes)
	if best == nil {
		return nil
	}
	patch, err := whatif.PatchOf(&c.Head.Autoscalers[0], best.Set)
	if err != nil {
		row.Advice.NoPatch = err.Error()
		return nil
	}
	row.Advice.Patch = patch.Command
	return nil
}

func (a *app) tellAudit(audit *fleet.Audit, format string) error {
	var text []byte
	var err error
	switch format {
	case tableFormat:
		text = []byte(audit.Table())
	case markdownFormat:
		text = []byte(audit.Markdown())
	case jsonFormat:
		text, err = audit.JSON()
	case "csv":
		text, err = audit.CSV()
	default:
		text, err = audit.HTML()
	}
	if err != nil {
		return internal(err)
	}
	_, err = a.stdout.Write(text)
	return err
}
