package runs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Baseline is another version to compare with: manifests, of which each
// scenario takes those that it is about, or what another call wrote.
type Baseline struct {
	path string
	set  *manifest.Set // nil for an earlier output
	// runs has the runs of an earlier output, by the scenarios of this call.
	runs map[string]*reports.Run
}

// OpenBaseline reads what --baseline names for scenarios: manifests, or the directory of
// another call, whose runs are read by readRun.
func OpenBaseline(path string, files []*scenario.File, readRun func(dir string) (*reports.Run, error)) (*Baseline, error) {
	if err := output.Readable(path); err != nil {
		return nil, fmt.Errorf("--baseline %w", err)
	}
	if _, err := os.Stat(filepath.Join(path, reports.JSONFile)); err == nil {
		b := &Baseline{path: path, runs: map[string]*reports.Run{}}
		return b, b.readRuns(files, readRun)
	}
	set, err := manifest.Load([]string{path}, nil)
	if err != nil {
		return nil, err
	}
	if len(set.Autoscalers) == 0 && len(set.Foreign) == 0 {
		return nil, fmt.Errorf("--baseline %s: neither manifests of autoscalers nor the --out directory of another call", path)
	}
	return &Baseline{path: path, set: set}, nil
}

func (b *Baseline) readRuns(files []*scenario.File, readRun func(dir string) (*reports.Run, error)) error {
	for _, f := range files {
		dir := filepath.Join(b.path, f.Metadata.Name)
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			continue
		}
		run, err := readRun(dir)
		if err != nil {
			return fmt.Errorf("--baseline %s: %w", b.path, err)
		}
		b.runs[f.Metadata.Name] = run
	}
	return nil
}

// of is the baseline of one scenario: a set to run, or an earlier run. Where the
// other version did not have the scenario or its autoscalers, or at another time,
// it is the note that says so.
func (b *Baseline) of(file *scenario.File, conversion convert.Options) (set *manifest.Set, earlier *reports.Run, note string, err error) {
	nothing := func(format string, args ...any) string {
		return fmt.Sprintf("--baseline %s has %s: there is nothing to compare it with", b.path, fmt.Sprintf(format, args...))
	}
	if b.set != nil {
		set := *b.set // each scenario has queries of its own
		set.Autoscalers, set.Producers = slices.Clone(set.Autoscalers), slices.Clone(set.Producers)
		if err := sim.LeftOut(sim.Adopt(&set, conversion)); err != nil {
			return nil, nil, "", err
		}
		about := concerning(file, &set)
		if len(about.Autoscalers) == 0 {
			return nil, nil, nothing("none of the autoscalers of scenario %s", file.Metadata.Name), nil
		}
		return file.Manifests.Override(about), nil, "", nil
	}
	run := b.runs[file.Metadata.Name]
	if run == nil {
		return nil, nil, nothing("no scenario %s", file.Metadata.Name), nil
	}
	if at := file.Covers(); run.Covers() != at {
		return nil, nil, nothing("%s from %s to %s, not from %s to %s", file.Metadata.Name,
			inUTC(run.Start), inUTC(run.End), inUTC(at.Start), inUTC(at.End)), nil
	}
	return nil, run, "", nil
}

// sameYardstick refuses an earlier run whose needed replicas were measured by
// something else: its breach minutes say nothing beside those of this one.
func (j *Job) sameYardstick(earlier *reports.Run) error {
	for _, c := range earlier.Columns {
		if c.Name != result.Current {
			continue
		}
		for i := range c.Objects {
			o := &c.Objects[i]
			k := slices.IndexFunc(j.Columns[0].Autoscalers, func(a sim.Autoscaler) bool {
				return a.Object.Namespace == o.Journal.Namespace && a.Object.Name == o.Journal.Name
			})
			if k < 0 {
				continue
			}
			t := j.Columns[0].Autoscalers[k].Target
			own := j.File.Spec.Yardstick.Of(scenario.Reference{Namespace: t.Namespace, Kind: t.Kind, Name: t.Name})
			if !slices.Equal(own.Results(), o.Yardsticks) {
				return fmt.Errorf("--baseline: what %s needs was measured by %s there and is measured by %s here, so that their breach minutes cannot be compared: write one spec.yardstick into scenario %s (that of the baseline stands in its scenario.yaml) and play both again",
					o.Journal, yardstickText(o.Yardsticks), yardstickText(own.Results()), j.File.Metadata.Name)
			}
		}
	}
	return nil
}

// yardstickText writes yardsticks as a scenario would.
func yardstickText(list []result.Yardstick) string {
	if len(list) == 0 {
		return "none"
	}
	var parts []string
	for _, y := range list {
		lag := ""
		if y.Lag != "" {
			lag = ", lag: " + y.Lag
		}
		parts = append(parts, fmt.Sprintf("{expr: %s, perReplica: %v, kind: %s%s}", y.Expr, y.PerReplica, y.Kind, lag))
	}
	return strings.Join(parts, ", ")
}

func inUTC(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

// concerning is the part of a set that a scenario is about, since a directory of
// manifests has those of other scenarios, too: autoscalers that have a
// counterpart there or scale what its world has, and what these work with.
func concerning(file *scenario.File, set *manifest.Set) *manifest.Set {
	out := *set
	out.Autoscalers, out.Producers, out.NodeGroups = nil, nil, nil
	for _, e := range set.Autoscalers {
		if concerns(file, e.Object) {
			out.Autoscalers = append(out.Autoscalers, e)
		}
	}
	for _, e := range set.Producers {
		if has(file.Manifests.Producers, e) || slices.ContainsFunc(out.Autoscalers, func(a manifest.Autoscaler) bool { return sim.Reads(a.Object, e.Object) }) {
			out.Producers = append(out.Producers, e)
		}
	}
	for _, e := range set.NodeGroups {
		if has(file.Manifests.NodeGroups, e) {
			out.NodeGroups = append(out.NodeGroups, e)
		}
	}
	return &out
}

// concerns says whether an autoscaler has a counterpart in a scenario, or scales
// what its world has, unless spec.objects leaves that out.
func concerns(file *scenario.File, a *v1alpha1.HorizontalAutoscaler) bool {
	target := a.Spec.ScaleTargetRef
	for _, own := range file.Manifests.Autoscalers {
		o := own.Object
		if o.Namespace == a.Namespace && (o.Name == a.Name || o.Spec.ScaleTargetRef.Kind == target.Kind && o.Spec.ScaleTargetRef.Name == target.Name) {
			return true
		}
	}
	if len(file.Spec.Objects) > 0 {
		return false // nothing else takes part
	}
	reference := scenario.Reference{Namespace: a.Namespace, Kind: target.Kind, Name: target.Name}
	return slices.ContainsFunc(file.Spec.NodeGroups, func(g scenario.NodeGroup) bool { return g.Reference() == reference }) ||
		slices.ContainsFunc(file.Spec.Workloads, func(w scenario.Workload) bool { return w.Reference() == reference }) ||
		slices.ContainsFunc(file.Spec.Targets, func(t scenario.Target) bool { return t.Reference() == reference })
}

// has says whether entries have an object of the same name.
func has[T any, P interface {
	*T
	metav1.Object
}](entries []manifest.Entry[T], e manifest.Entry[T]) bool {
	return slices.ContainsFunc(entries, func(own manifest.Entry[T]) bool {
		return P(own.Object).GetNamespace() == P(e.Object).GetNamespace() && P(own.Object).GetName() == P(e.Object).GetName()
	})
}
