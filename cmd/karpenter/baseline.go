package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A baseline is another version to compare with: manifests that replace the
// scenarios' own where they name the same objects, or what another call wrote.
type baseline struct {
	path string
	set  *manifest.Set // nil for an earlier output
}

// openBaseline reads what --baseline names; an empty path means none.
func (a *app) openBaseline(path string) (*baseline, error) {
	if path == "" {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(path, markerFile)); err == nil {
		return &baseline{path: path}, nil
	}
	set, err := manifest.Load([]string{path}, a.stdin)
	if err != nil {
		return nil, err
	}
	if len(set.Autoscalers) == 0 && len(set.Foreign) == 0 {
		return nil, fmt.Errorf("--baseline %s: neither manifests of autoscalers nor the --out directory of another call", path)
	}
	return &baseline{path: path, set: set}, nil
}

// of is the baseline of one scenario: a set to run, or an earlier run. Where the
// earlier call did not have the scenario, or at another time, it is the note that
// says so.
func (b *baseline) of(file *scenario.File, conversion convert.Options) (set *manifest.Set, earlier *reports.Run, note string, err error) {
	if b.set != nil {
		set := *b.set // each scenario has queries of its own
		set.Autoscalers, set.Producers = slices.Clone(set.Autoscalers), slices.Clone(set.Producers)
		_, err := sim.Adopt(&set, conversion)
		return file.Manifests.Override(&set), nil, "", err
	}
	dir := filepath.Join(b.path, file.Metadata.Name)
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return nil, nil, fmt.Sprintf("--baseline %s has no scenario %s: there is nothing to compare it with", b.path, file.Metadata.Name), nil
	}
	run, err := reports.ReadRun(dir)
	if err != nil {
		return nil, nil, "", fmt.Errorf("--baseline %s: %w", b.path, err)
	}
	if start, end := covers(file); run.Start != start || run.End != end {
		return nil, nil, fmt.Sprintf("--baseline %s has %s from %s to %s, not from %s to %s: there is nothing to compare it with", b.path, file.Metadata.Name,
			inUTC(run.Start), inUTC(run.End), inUTC(start), inUTC(end)), nil
	}
	return nil, run, "", nil
}

// covers is the time of a scenario, in Unix seconds.
func covers(file *scenario.File) (start, end int64) {
	return file.Spec.Start.Unix(), file.Spec.Start.Add(time.Duration(file.Spec.Duration)).Unix()
}

func inUTC(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }
