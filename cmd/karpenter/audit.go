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
	live   auditLiveFlags
}

// auditFormats lists the values of audit's -o.
var auditFormats = []string{tableFormat, markdownFormat, "html", jsonFormat, "csv"}

func (a *app) auditCommand() *cobra.Command {
	var flags auditFlags
	c := &cobra.Command{
		Use:   "audit --context CTX --prometheus URL [-A | -n NS] | audit -f MANIFESTS --recording SRC ...",
		Short: "Rank autoscalers by what went wrong and what it cost, with the change that would help most",
		Long: `Audit judges every HorizontalPodAutoscaler, ScaledObject and HorizontalAutoscaler of
a cluster, or of manifests, over what its Prometheus or a recording has: how long it
lacked capacity (or ran above its target) and why, how long it was at its bounds, what
was idle, how often it flapped, what of that is in doubt, and the one change of its
policy that would have helped most, with its gain, its price and a patch of the object
as it is written. The figures are those of the replicas that were recorded, where they
were; causes and changes are those of the policy, replayed. One that cannot be judged is
a row that says why.

Of a cluster it lists objects and queries Prometheus, and writes to neither. It reads the
metrics of one autoscaler after another, at most as fast as --max-queries-per-second and
--max-queries-in-flight say, and keeps what it found in --state. If it is interrupted, or
Prometheus stops answering, the result says that it is partial, and --resume goes on.`,
		Example: `  karpenter audit --context eu1 --prometheus http://prometheus:9090 -A -o html > audit.html
  karpenter audit -f rendered.yaml --prometheus http://prometheus:9090 --label cluster=eu1
  karpenter audit -f rendered.yaml --recording recordings/fortnight`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			flags.live.given = c.Flags().Changed
			return a.audit(c.Context(), &flags)
		},
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
	for _, name := range []string{"filename", "recording"} {
		flag := c.Flags().Lookup(name)
		flag.Usage = strings.Replace(flag.Usage, ", required)", ")", 1)
	}
	flags.live.add(c)
	return c
}

func (a *app) audit(ctx context.Context, f *auditFlags) error {
	if !slices.Contains(auditFormats, f.format) {
		return fmt.Errorf("-o %s: want table, markdown, html, json or csv", f.format)
	}
	if f.live.server.address != "" {
		return a.auditLive(ctx, f)
	}
	if err := f.live.unused(); err != nil {
		return err
	}
	if len(f.Manifests) == 0 || len(f.Recordings) == 0 {
		return errors.New("-f and --recording are required: the manifests of the autoscalers and the metrics that were recorded of them; or --prometheus, with --context or -f")
	}
	set, unread, err := manifest.LoadEach(f.Namespace, f.Manifests, a.stdin)
	if err != nil {
		return err
	}
	changes, err := a.audited(f, set)
	if err != nil {
		return manifest.Join(err, unread)
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
	audit := &fleet.Audit{Version: version(), Command: a.commandLine()}
	audit.From, audit.To = instantText(over.Spec.Start.Time), instantText(over.Spec.Start.Add(time.Duration(over.Spec.Duration)))
	err = auditEach(ctx, changes, audit, func(ctx context.Context, c *sim.Change, name string, row *fleet.Finding) error {
		if err := judge(ctx, c, name, over, sim.CheckOptions{Cache: f.Cache}, f.advise, row); err != nil {
			row.Unjudged = oneLineOf(err)
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	audit.Rows = append(audit.Rows, unreadRows(unread)...)
	audit.Finish()
	return a.tellAudit(audit, f.format)
}

// unreadRows are the rows of files of which a part cannot be read.
func unreadRows(unread manifest.Errors) []fleet.Finding {
	var rows []fleet.Finding
	for _, e := range unread {
		rows = append(rows, fleet.Finding{Object: e.Position.File, Unjudged: oneLineOf(e) + "; nothing of the file from there on is read", File: e.Position.File, Line: e.Position.Line})
	}
	return rows
}

// auditEach fills a row for each autoscaler, as many at once as there are cores. Rows
// whose judging ended in an error are left out, and the first such error ends it.
func auditEach(ctx context.Context, changes []sim.Change, audit *fleet.Audit, fill func(context.Context, *sim.Change, string, *fleet.Finding) error) error {
	rows, done := make([]fleet.Finding, len(changes)), make([]bool, len(changes))
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	names := runNames(changes)
	for i := range changes {
		group.Go(func() error {
			if err := running.Err(); err != nil {
				return err
			}
			c, row := &changes[i], &rows[i]
			row.Object, row.File, row.Line = rowName(c), c.At.File, c.At.Line
			err := fill(running, c, names[i], row)
			done[i] = err == nil
			return err
		})
	}
	err := group.Wait()
	for i := range rows {
		if done[i] {
			audit.Rows = append(audit.Rows, rows[i])
		}
	}
	return err
}

// rowName names the row of a target: by its autoscalers.
func rowName(c *sim.Change) string { return strings.Join(c.Objects, ", ") }

// audited are the autoscalers of manifests, by their targets.
func (a *app) audited(f *auditFlags, set *manifest.Set) ([]sim.Change, error) {
	metrics, err := f.Parse()
	if err != nil {
		return nil, err
	}
	enforce, err := f.Enforced()
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
	for i := range changes {
		acting(changes[i].Head)
	}
	if len(changes) == 0 && len(f.Manifests) > 0 {
		return nil, fmt.Errorf("-f %s: no HorizontalAutoscaler, HorizontalPodAutoscaler or ScaledObject in it", strings.Join(f.Manifests, " -f "))
	}
	return changes, nil
}

// acting leaves out dry runs beside autoscalers that act on the same target.
func acting(set *manifest.Set) {
	if set == nil {
		return
	}
	dry := func(e manifest.Autoscaler) bool { return e.Object.Spec.DryRun }
	if slices.ContainsFunc(set.Autoscalers, func(e manifest.Autoscaler) bool { return !dry(e) }) {
		set.Autoscalers = slices.DeleteFunc(set.Autoscalers, dry)
	}
}

// judge replays the autoscalers of one target and fills the row.
func judge(ctx context.Context, c *sim.Change, name string, over *scenario.Scenario, options sim.CheckOptions, wantAdvice bool, row *fleet.Finding) error {
	if c.Err != nil {
		return c.Err
	}
	file, err := c.File(name, over, "")
	if err != nil {
		return err
	}
	simulation, err := sim.Check(ctx, file, options)
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
	if !wantAdvice || report.Unranked() != "" || len(c.Head.Autoscalers) != 1 {
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
		text, err = audit.HTML(nil)
	}
	if err != nil {
		return internal(err)
	}
	_, err = a.stdout.Write(text)
	return err
}
