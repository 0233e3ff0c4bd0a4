package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	runtimeapi "k8s.io/apimachinery/pkg/runtime"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/replay"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Files that plan writes besides the reports of its runs.
const (
	planMarkdown = "plan.md"
	planJSON     = "plan.json"
)

// A planner plays the changes of a plan.
type planner struct {
	*app
	flags   *planFlags
	metrics *replay.Queries
	// dir is where runs are written, final where they will lie; empty if nobody
	// wants them.
	dir, final string
	// over is the scenario that all changes are played over.
	over *scenario.Scenario

	// aged is done once the age of the recordings has been looked at.
	aged    sync.Once
	mu      sync.Mutex
	reports []*reports.Report
}

// play fills the rows of a plan: as many changes at once as there are cores.
func (p *planner) play(ctx context.Context, changes []sim.Change, plan *fleet.Plan) error {
	var err error
	if p.over, err = p.flags.Over(ctx, changes); err != nil {
		return p.flags.InFlags(err, sim.ScenarioFile)
	}
	spec := &p.over.Spec
	plan.From, plan.To = instantText(spec.Start.Time), instantText(spec.Start.Add(time.Duration(spec.Duration)))
	plan.Rows = make([]fleet.Row, len(changes))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	names := runNames(changes)
	for i := range changes {
		group.Go(func() error {
			row := rowOf(&changes[i])
			if err := p.change(ctx, &changes[i], names[i], &row); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				row.Result, row.Reason = fleet.Unjudged, oneLineOf(err)
			}
			plan.Rows[i] = row
			return nil
		})
	}
	return group.Wait()
}

// rowOf is the row of a change before anything is known of it.
func rowOf(c *sim.Change) fleet.Row {
	row := fleet.Row{Object: strings.Join(c.Objects, ", "), Action: fleet.Changed, File: c.At.File, Line: c.At.Line}
	switch {
	case c.Base == nil:
		row.Action = fleet.Added
	case c.Head == nil:
		row.Action = fleet.Removed
	}
	return row
}

// oneLineOf is an error in one line.
func oneLineOf(err error) string {
	if all := manifest.Placed(err); len(all) > 0 {
		return all[0].Error()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// runNames name the run of each change: by its target, with the namespace where
// several have it.
func runNames(changes []sim.Change) []string {
	uses := map[string]int{}
	for i := range changes {
		uses[changes[i].Target.Name]++
	}
	names := make([]string, len(changes))
	seen := map[string]bool{}
	for i := range changes {
		t := changes[i].Target
		name := t.Name
		if uses[name] > 1 {
			name = t.Namespace + "-" + name
		}
		if seen[name] || checkRunName(name) != nil {
			name = fmt.Sprintf("%s-%s-%s", t.Namespace, strings.ToLower(t.Kind), t.Name)
		}
		if seen[name] || !scenario.ValidName(name) {
			name = fmt.Sprintf("change-%d", i+1)
		}
		seen[name] = true
		names[i] = name
	}
	return names
}

// change plays the policies before and after as the columns of one run, and fills
// the row from its report.
func (p *planner) change(ctx context.Context, c *sim.Change, name string, row *fleet.Row) error {
	if c.Err != nil {
		return c.Err
	}
	dir, head := "", fleet.Head+".yaml"
	if p.final != "" {
		dir, head = filepath.Join(p.dir, name), absolute(filepath.Join(p.final, name, head))
	}
	file, err := c.File(name, p.over, head)
	if err != nil {
		return err
	}
	simulation, err := sim.Check(ctx, file, sim.CheckOptions{Cache: p.flags.Cache, Long: p.flags.yes})
	if err != nil {
		return err
	}
	defer simulation.Close()
	simulation.Command = p.commandLine()
	p.aged.Do(func() { p.noteAge(time.Now(), simulation.Input.Recordings()...) })
	if !p.flags.yes {
		if err := sim.CheckLength(simulation); err != nil {
			return err
		}
	}
	run, err := simulation.Play(ctx, sim.PlayOptions{Dir: dir, Keep: true, Brief: dir == ""})
	if err != nil {
		return err
	}
	run.Version = version()
	report, err := reports.Compute(run)
	if err != nil {
		return err
	}
	if err := row.Fill(report); err != nil {
		return err
	}
	noise, err := noiseOf(ctx, simulation, report)
	if err != nil {
		return err
	}
	p.flags.guards.Judge(row, noise)
	if dir == "" {
		return nil
	}
	run.Expectations = row.Expectations()
	row.Run = name
	p.add(report)
	return errors.Join(writeHead(c.Head, filepath.Join(dir, fleet.Head+".yaml")), report.WriteDir(dir))
}

// noiseOf is by how many minutes the breach of the policy before differs without a
// change: its slots fall elsewhere.
func noiseOf(ctx context.Context, s *sim.Simulation, report *reports.Report) (float64, error) {
	current := report.Column(reports.Current)
	before, column := current.Figures.Get("breach_minutes"), &s.Columns[0]
	interval := column.Autoscalers[0].Policy.Interval
	breaches := []float64{before}
	if len(s.Columns) > 1 && before > 0 {
		needed := report.Run.Column(reports.Current).Objects
		for _, shift := range []int32{interval / 3, 2 * interval / 3} {
			played, err := s.Input.Play(ctx, column.Autoscalers, sim.Options{Manifests: column.Manifests, Decisions: func(*journal.Record) {}, Shift: shift})
			if err != nil {
				return 0, err
			}
			var seconds int64
			for i := range needed {
				k := slices.IndexFunc(played.Objects, func(o sim.Object) bool { return o.Journal == needed[i].Journal })
				lacks, _, _ := reports.Lacks(&reports.Object{Needed: needed[i].Needed, Ready: played.Objects[k].Ready, Spec: played.Objects[k].Spec}, report.Run.Start, report.Run.End)
				seconds += lacks
			}
			breaches = append(breaches, float64(seconds)/60)
		}
	}
	return fleet.Noise(current.Figures.Get("breach_episodes"), interval, breaches...), nil
}

// add keeps a report for the pages of the whole call.
func (p *planner) add(r *reports.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reports = append(p.reports, r)
}

// writeHead writes the manifests after a change to a path, to which the scenario of
// its run refers.
func writeHead(set *manifest.Set, path string) error {
	if set == nil {
		return nil
	}
	var text []byte
	for i, o := range objectsOf(set) {
		doc, err := manifest.MarshalObject(o)
		if err != nil {
			return err
		}
		if i > 0 {
			text = append(text, "---\n"...)
		}
		text = append(text, doc...)
	}
	return os.WriteFile(path, text, 0o644)
}

// objectsOf are the autoscalers and producers of a set.
func objectsOf(set *manifest.Set) []runtimeapi.Object {
	var objects []runtimeapi.Object
	for _, e := range set.Autoscalers {
		objects = append(objects, e.Object)
	}
	for _, e := range set.Producers {
		objects = append(objects, e.Object)
	}
	return objects
}

// write writes the plan and the pages of the call beside the runs.
func (p *planner) write(plan *fleet.Plan) error {
	slices.SortFunc(p.reports, func(a, b *reports.Report) int { return strings.Compare(a.Run.Name, b.Run.Name) })
	if len(p.reports) > 0 {
		if err := reports.WriteCall(p.dir, p.reports, reports.Call{Command: plan.Command, Version: plan.Version}); err != nil {
			return internal(err)
		}
	}
	text, err := plan.JSON()
	if err != nil {
		return internal(err)
	}
	for name, text := range map[string][]byte{planMarkdown: escape.Document([]byte(plan.Markdown())), planJSON: text} {
		if err := os.WriteFile(filepath.Join(p.dir, name), text, 0o644); err != nil {
			return internal(err)
		}
	}
	return nil
}
