package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A synced scenario is one that init wrote earlier.
type synced struct {
	path     string
	text     []byte
	scenario *scenario.Scenario
}

// extended says whether somebody has added to what init writes.
func (s *synced) extended() bool {
	spec := &s.scenario.Spec
	return len(spec.Faults)+len(spec.Variants)+len(spec.Edits)+len(spec.InputSeries)+len(spec.Workloads)+len(spec.NodeGroups)+len(spec.Queues) > 0 ||
		slices.ContainsFunc(spec.Expect, func(e scenario.Expectation) bool { return !slices.Contains(ownNames, e.Name) })
}

// sign writes the text of a scenario, with the mark by which init knows it again.
func (s *starter) sign() (err error) {
	annotations := maps.Clone(s.scenario.Metadata.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[scenario.InitAnnotation] = "true"
	s.scenario.Metadata.Annotations = annotations
	s.text, err = scenario.Write(s.scenario)
	return err
}

// syncedIn reads the scenarios of a directory that init wrote, by the autoscaler that
// each is about.
func syncedIn(dir string) (map[string]*synced, error) {
	all := map[string]*synced{}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--out %s: %w", dir, reason(err))
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != ".yaml" {
			continue
		}
		path := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("--out %s: %w", path, reason(err))
		}
		if !strings.Contains(string(text), scenario.InitAnnotation) {
			continue // the user's own
		}
		s, err := withoutDefaults(path, text)
		if err != nil {
			return nil, err
		}
		if s.Metadata.Annotations[scenario.InitAnnotation] == "" || len(s.Spec.Objects) == 0 {
			continue
		}
		object := s.Spec.Objects[0]
		if other := all[object]; other != nil {
			return nil, fmt.Errorf("--out %s: %s and %s are both of %s; remove one of them", dir, filepath.Base(other.path), e.Name(), object)
		}
		all[object] = &synced{path: path, text: text, scenario: s}
	}
	return all, nil
}

// withoutDefaults reads a scenario as it is written: what it leaves to defaults stays
// out of what is written again. Documents that follow it are none of it.
func withoutDefaults(path string, text []byte) (*scenario.Scenario, error) {
	own, _ := divided(text)
	if _, err := scenario.ParseText(path, own); err != nil {
		return nil, err
	}
	s := &scenario.Scenario{}
	if err := yaml.Unmarshal(own, s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// divided is a file's first document, and the rest with its separator.
func divided(text []byte) (first, rest []byte) {
	if at := bytes.Index(text, []byte("\n---")); at > 0 {
		return text[:at+1], text[at+1:]
	}
	return text, nil
}

// syncScenarios adds, updates and removes scenarios as their autoscalers come and go.
func (a *app) syncScenarios(ctx context.Context, f *initFlags, set *manifest.Set, spec *scenario.Spec) error {
	if err := output.Check(f.out, initOutput); err != nil {
		return inOutput(f.out, err)
	}
	there, err := syncedIn(f.out)
	if err != nil {
		return err
	}
	starters := startersOf(set, spec, f.out)
	for _, s := range starters {
		object := s.scenario.Spec.Objects[0]
		if old := there[object]; old != nil {
			s.follow(old)
		} else if exists(s.path) {
			return fmt.Errorf("--out %s: %s is there already and init did not write it; move it, or name another directory", f.out, filepath.Base(s.path))
		}
	}
	if err := starters.complete(ctx, a, f); err != nil {
		return err
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("--out %s: %w", f.out, reason(err))
	}
	for _, s := range starters {
		object := s.scenario.Spec.Objects[0]
		done, err := s.replace(there[object])
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s %s\n", done, s.path)
		delete(there, object)
	}
	return a.removeGone(there, f)
}

// follow takes over what a scenario has that is not init's to say: its name, its
// yardstick, what it expects besides, faults, variants and all else.
func (s *starter) follow(old *synced) {
	fresh := s.scenario.Spec
	s.path = old.path
	kept := *old.scenario
	kept.Spec.Manifests, kept.Spec.Objects, kept.Spec.Metrics, kept.Spec.Conversion = fresh.Manifests, fresh.Objects, fresh.Metrics, fresh.Conversion
	kept.Spec.Recordings, kept.Spec.Start, kept.Spec.Duration, kept.Spec.Replay = fresh.Recordings, fresh.Start, fresh.Duration, fresh.Replay
	kept.Spec.Targets = fresh.Targets
	if fresh.Prometheus.LookbackDelta != nil {
		kept.Spec.Prometheus.LookbackDelta = fresh.Prometheus.LookbackDelta
	}
	if strings.HasPrefix(kept.Spec.Description, descriptionStart) {
		kept.Spec.Description = fresh.Description
	}
	kept.Spec.Expect = slices.DeleteFunc(slices.Clone(kept.Spec.Expect), func(e scenario.Expectation) bool { return slices.Contains(ownNames, e.Name) })
	kept.Spec.Expect = append(kept.Spec.Expect, fresh.Expect...)
	s.scenario = &kept
}

// replace writes the scenario if it says something new, and says what was done.
func (s *starter) replace(old *synced) (done string, err error) {
	done = "added"
	if old != nil {
		_, rest := divided(old.text)
		s.text = append(s.text, rest...)
		done = "updated"
		if bytes.Equal(old.text, s.text) {
			done = "unchanged"
		}
	}
	if done != "unchanged" {
		if err := output.ReplaceFile(s.path, s.text); err != nil {
			return "", err
		}
	}
	golden := runs.Golden(s.path)
	switch {
	case s.golden != "":
		err = output.ReplaceFile(golden, []byte(s.golden))
	case old != nil && exists(golden):
		err = os.Remove(golden)
	}
	return done, err
}

// removeGone removes the scenarios whose autoscaler is gone: out of a file that was
// read, or with it. What somebody has added to stays, and so does what may be of manifests
// that this call did not read.
func (a *app) removeGone(there map[string]*synced, f *initFlags) error {
	for _, object := range slices.Sorted(maps.Keys(there)) {
		old := there[object]
		switch {
		case !old.readBy(f.Manifests):
			a.note("%s: its manifest is none of -f; left as it is", old.path)
		case old.extended():
			a.note("%s: %s is gone, but somebody has added to the scenario; remove it yourself", old.path, object)
		default:
			for _, path := range []string{old.path, runs.Golden(old.path)} {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("%s: %w", path, reason(err))
				}
			}
			fmt.Fprintf(a.stdout, "removed %s\n", old.path)
		}
	}
	return nil
}

// readBy says whether the scenario's manifests are gone, or among paths.
func (s *synced) readBy(paths []string) bool {
	for _, m := range s.scenario.Spec.Manifests {
		file := filepath.Join(filepath.Dir(s.path), filepath.FromSlash(m))
		if !exists(file) {
			continue
		}
		if !slices.ContainsFunc(paths, func(p string) bool {
			inside, err := filepath.Rel(absolute(p), absolute(file))
			return err == nil && inside != ".." && !strings.HasPrefix(inside, ".."+string(filepath.Separator))
		}) {
			return false
		}
	}
	return true
}
