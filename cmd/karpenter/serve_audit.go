package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/serve"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// isAudit says whether a file is to be an audit: what audit -o json wrote, and no scenario.
func isAudit(path string) bool { return filepath.Ext(path) == ".json" }

// readAudit reads what audit -o json wrote.
func readAudit(path string) (*fleet.Audit, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit.Manifest {
		return nil, fmt.Errorf("%s: %d bytes, more than %d", path, info.Size(), limit.Manifest)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	audit := &fleet.Audit{}
	if err := json.Unmarshal(content, audit); err != nil {
		return nil, fmt.Errorf("%s: want what 'karpenter audit -o json' writes: %w", path, err)
	}
	if audit.Schema != 1 || audit.From == "" {
		return nil, fmt.Errorf("%s: want what 'karpenter audit -o json' writes, of schema 1", path)
	}
	return audit, nil
}

// audits serves an audit. Of the rows that the manifests given have, each opens a
// workbench over the recordings given.
func (a *app) audits(ctx context.Context, path string, f *serveFlags) (http.Handler, func(), error) {
	audit, err := readAudit(path)
	if err != nil {
		return nil, nil, err
	}
	if len(f.Manifests) == 0 && len(f.Recordings) == 0 {
		a.note("a row opens a workbench where -f and --recording are given, as to audit")
		handler, err := serve.NewAudit(audit, nil)
		return handler, func() {}, err
	}
	if len(f.Manifests) == 0 || len(f.Recordings) == 0 {
		return nil, nil, fmt.Errorf("%s: a workbench of a row needs both -f and --recording", path)
	}
	set, err := manifest.LoadIn(f.Namespace, f.Manifests, a.stdin)
	if err != nil {
		return nil, nil, err
	}
	changes, err := a.audited(&auditFlags{replayFlags: f.replayFlags}, set)
	if err != nil {
		return nil, nil, err
	}
	temporary, err := os.MkdirTemp("", "karpenter-serve-")
	if err != nil {
		return nil, nil, internal(err)
	}
	done := func() { os.RemoveAll(temporary) }
	f.Cache = recording.NewCache(temporary)
	over, err := f.Over(ctx, changes)
	if err != nil {
		done()
		return nil, nil, f.InFlags(err, sim.ScenarioFile)
	}
	handler, err := serve.NewAudit(audit, a.opened(ctx, audit, changes, over, f))
	if err != nil {
		done()
		return nil, nil, err
	}
	return handler, func() { handler.Close(); done() }, nil
}

// opened are the rows of an audit that open a workbench.
func (a *app) opened(ctx context.Context, audit *fleet.Audit, changes []sim.Change, over *scenario.Scenario, f *serveFlags) map[int]serve.Opening {
	openings, names := map[int]serve.Opening{}, runNames(changes)
	for i := range changes {
		c, name := &changes[i], names[i]
		for row := range audit.Rows {
			if audit.Rows[row].Object != rowName(c) || c.Err != nil {
				continue
			}
			openings[row] = func() (http.Handler, func(), error) {
				file, err := c.File(name, over, "")
				if err != nil {
					return nil, nil, err
				}
				return a.workbench(ctx, file, f)
			}
		}
	}
	return openings
}
