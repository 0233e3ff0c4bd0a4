package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A starter is the scenario of one autoscaler that init writes.
type starter struct {
	// path is where it will lie, manifest the file that its autoscaler is in,
	// both as the user would name them.
	path, manifest string
	autoscaler     *v1alpha1.HorizontalAutoscaler
	scenario       *scenario.Scenario
	// text is the file, golden the readable summary beside it.
	text   []byte
	golden string
}

type starters []*starter

// startersOf makes a scenario of every autoscaler, all with the same input.
func startersOf(set *manifest.Set, spec *scenario.Spec, out string) starters {
	named := map[string]int{}
	for _, a := range set.Autoscalers {
		named[a.Object.Name]++
	}
	var all starters
	for _, a := range set.Autoscalers {
		name := a.Object.Name
		if named[name] > 1 {
			name = a.Object.Namespace + "-" + name
		}
		s := &starter{path: filepath.Join(out, name+".yaml"), manifest: a.Doc.File, autoscaler: a.Object}
		s.scenario = &scenario.Scenario{Metadata: scenario.Metadata{Name: name}, Spec: s.spec(spec, set)}
		all = append(all, s)
	}
	return all
}

// spec is the input as seen from the directory of the scenarios.
func (s *starter) spec(from *scenario.Spec, set *manifest.Set) scenario.Spec {
	spec := *from
	name := s.autoscaler.Namespace + "/" + s.autoscaler.Name
	spec.Description = fmt.Sprintf(descriptionStart+"%s makes of recorded load, from %s on for %s. It must not get worse unnoticed.",
		name, spec.Start.Format(time.RFC3339), spec.Duration)
	spec.Manifests, spec.Objects = []string{s.relative(s.manifest)}, s.objects(set)
	spec.Recordings = slices.Clone(from.Recordings)
	for i := range spec.Recordings {
		spec.Recordings[i].File = s.relative(spec.Recordings[i].File)
	}
	// What nobody in this scenario scales is none of its targets.
	spec.Targets = slices.DeleteFunc(slices.Clone(from.Targets), func(t scenario.Target) bool {
		ref := s.autoscaler.Spec.ScaleTargetRef
		return s.autoscaler.Namespace != t.Namespace || ref.Kind != t.Kind || ref.Name != t.Name
	})
	spec.Expect = []scenario.Expectation{}
	// The first decision comes within the first interval.
	interval := scenario.Duration(time.Duration(policy.DefaultInterval) * time.Second)
	if seconds := s.autoscaler.Spec.PollingIntervalSeconds; seconds != nil {
		interval = scenario.Duration(time.Duration(*seconds) * time.Second)
	}
	if interval < spec.Duration {
		spec.Expect = append(spec.Expect, scenario.Expectation{
			Name: inBounds, From: &interval,
			Always: fmt.Sprintf("karpenter_horizontalautoscaler_desired_replicas{namespace=%q,name=%q} <= %d",
				s.autoscaler.Namespace, s.autoscaler.Name, s.autoscaler.Spec.MaxReplicas),
		})
	}
	return spec
}

// objects are the autoscaler and the producers in the same file that it reads:
// a file of everything that a chart renders has others, too.
func (s *starter) objects(set *manifest.Set) []string {
	list := []string{s.autoscaler.Namespace + "/ha/" + s.autoscaler.Name}
	for _, p := range set.Producers {
		if p.Doc.File == s.manifest && p.Doc.Kind == journal.MetricsProducer && sim.Reads(s.autoscaler, p.Object) {
			list = append(list, p.Object.Namespace+"/mp/"+p.Object.Name)
		}
	}
	return list
}

// relative is a path as seen from the scenario.
func (s *starter) relative(path string) string {
	rel, err := filepath.Rel(absolute(filepath.Dir(s.path)), absolute(path))
	if err != nil {
		return filepath.ToSlash(absolute(path))
	}
	return filepath.ToSlash(rel)
}

// complete runs the scenario once, to expect what comes of it, and writes its text;
// with the decisions, if they are wanted, it runs it again for the summary.
func (s *starter) complete(ctx context.Context, a *app, cache *recording.Cache, golden bool) error {
	report, err := s.figures(ctx, cache)
	if err != nil {
		return err
	}
	s.scenario.Spec.Expect = append(s.scenario.Spec.Expect, s.guards(report)...)
	if golden {
		// The right digest is that of the run to come.
		s.scenario.Spec.Expect = append(s.scenario.Spec.Expect, scenario.Expectation{Name: asBefore, Decisions: &scenario.Decisions{Digest: report.Column(reports.Current).Digest}})
	}
	if err := s.sign(); err != nil || !golden {
		return err
	}
	report, decisions, err := s.play(ctx, a)
	if err != nil {
		return err
	}
	s.golden = runs.GoldenText(report, decisions)
	return nil
}

// descriptionStart begins the descriptions that init writes.
const descriptionStart = "What the policy of "

// Names of the expectations that init writes.
const (
	inBounds = "stays within maxReplicas"
	noBreach = "lacks capacity no longer than today"
	notAbove = "runs above its target no longer than today"
	noCost   = "costs at most 10 % more than today"
	asBefore = "decides as before"
)

var ownNames = []string{inBounds, noBreach, notAbove, noCost, asBefore}

// guards are the expectations on figures: as plan judges changes by default.
func (s *starter) guards(report *reports.Report) []scenario.Expectation {
	object := journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: s.autoscaler.Namespace, Name: s.autoscaler.Name}
	figures := reports.Figures{}
	column := report.Column(reports.Current)
	interval := int32(policy.DefaultInterval)
	for i := range column.Objects {
		if o := &column.Objects[i]; o.Object == object {
			figures = o.Figures
			if o.Policy != nil {
				interval = o.Policy.Interval
			}
		}
	}
	var list []scenario.Expectation
	most := func(name, metric string, limit float64) {
		if !math.IsNaN(limit) {
			list = append(list, scenario.Expectation{Name: name, Report: fmt.Sprintf("%s{object=%q} <= %s", metric, object, strconv.FormatFloat(math.Ceil(limit*100)/100, 'f', -1, 64))})
		}
	}
	breach := noBreach
	if report.AboveTarget(object) {
		breach = notAbove
	}
	most(breach, "breach_minutes", figures.Get("breach_minutes")+fleet.Noise(figures.Get("breach_episodes"), interval))
	most(noCost, "replica_hours", 1.1*figures.Get("replica_hours"))
	return list
}

// figures plays the scenario for its figures, and pins its yardstick.
func (s *starter) figures(ctx context.Context, cache *recording.Cache) (*reports.Report, error) {
	file, err := s.file()
	if err != nil {
		return nil, err
	}
	simulation, err := sim.Check(ctx, file, sim.CheckOptions{Cache: cache, Report: reports.CheckExpression})
	if err != nil {
		return nil, err
	}
	defer simulation.Close()
	s.scenario.Spec.Yardstick = file.Spec.Yardstick
	run, err := simulation.Play(ctx, sim.PlayOptions{Keep: true})
	if err != nil {
		return nil, err
	}
	return reports.Compute(run)
}

// file is the scenario as simulate will load it.
func (s *starter) file() (*scenario.File, error) {
	file, err := scenario.NewFile(s.path, s.scenario)
	if err != nil {
		return nil, err
	}
	set, err := manifest.LoadIn(s.scenario.Spec.Namespace(), []string{s.manifest}, nil)
	if err != nil {
		return nil, err
	}
	file.Manifests, _ = file.Spec.Only(set)
	return file, nil
}

// play runs the scenario as simulate will, and lists the decisions if it has their
// digest.
func (s *starter) play(ctx context.Context, a *app) (*reports.Report, []string, error) {
	file, err := s.file()
	if err != nil {
		return nil, nil, err
	}
	job, err := runs.Prepare(ctx, file, runs.Options{Version: version()})
	if err != nil {
		return nil, nil, err
	}
	defer job.Close()
	dir, err := os.MkdirTemp("", "karpenter-init-")
	if err != nil {
		return nil, nil, internal(err)
	}
	defer os.RemoveAll(dir)
	report, err := job.PlayInto(ctx, dir, nil)
	return report, job.Decisions, err
}
