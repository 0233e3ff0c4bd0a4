package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/replay"
)

// incidentGap is how far apart breaches of one incident lie at most, and how much time
// before and after it is saved.
const incidentGap = 15 * time.Minute

// An incidentRecorder saves the last incidents of each target.
type incidentRecorder struct {
	*app
	flags    *recordFlags
	client   *http.Client
	source   recording.Source
	from, to time.Time
	// temporary is where the whole time is kept while its incidents are found.
	temporary string
}

// recordIncidents saves the last incidents of the targets of all autoscalers, each to a
// directory of its own.
func (a *app) recordIncidents(ctx context.Context, f *recordFlags, client *http.Client, from, to time.Time) error {
	audit := &auditFlags{replayFlags: replayFlags{replay.Options{Conversion: f.Conversion, EnforceLabel: f.enforce, Manifests: f.manifests}}}
	set, unread, err := manifest.LoadEach(f.Namespace, f.manifests, a.stdin)
	if err := manifest.Join(unread, err); err != nil {
		return err
	}
	changes, err := a.audited(audit, set)
	if err != nil {
		return err
	}
	source, err := recording.Probe(ctx, f.server.address, client, to.UnixMilli())
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp("", "karpenter-record-")
	if err != nil {
		return internal(err)
	}
	defer os.RemoveAll(temporary)
	r := &incidentRecorder{app: a, flags: f, client: client, source: source, from: from, to: to, temporary: temporary}
	names := runNames(changes)
	for i := range changes {
		err := r.target(ctx, &changes[i], names[i])
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			a.partial = true
			fmt.Fprintf(a.stderr, "karpenter: %s: %s\n", rowName(&changes[i]), oneLineOf(err))
		}
	}
	return nil
}

// target saves the last incidents of one target.
func (r *incidentRecorder) target(ctx context.Context, c *sim.Change, name string) error {
	if c.Err != nil {
		return c.Err
	}
	enforce, err := replay.EnforcedLabel(r.flags.enforce)
	if err != nil {
		return err
	}
	scalers, err := sim.Resolve(c.Head, enforce, r.flags.Features...)
	if err != nil {
		return err
	}
	incidents, err := r.find(ctx, c, scalers)
	if err != nil {
		return err
	}
	if len(incidents) == 0 {
		fmt.Fprintf(r.stdout, "%s: no incident\n", rowName(c))
	}
	for _, x := range incidents {
		if err := r.save(ctx, rowName(c), name, scalers, x); err != nil {
			return err
		}
	}
	return nil
}

// find replays the whole time, and returns the last incidents of what ran, or of the
// policy replayed where that was not recorded. Those of less than a minute, and those that
// slots which fall elsewhere explain, are none.
func (r *incidentRecorder) find(ctx context.Context, c *sim.Change, scalers []sim.Autoscaler) ([]reports.Incident, error) {
	plan, err := r.plan(scalers, r.from, r.to)
	if err != nil {
		return nil, err
	}
	whole, err := os.MkdirTemp(r.temporary, "target-")
	if err != nil {
		return nil, internal(err)
	}
	defer os.RemoveAll(whole)
	options := replay.Options{
		Conversion: r.flags.Conversion, EnforceLabel: r.flags.enforce, Labels: r.flags.labels, Scale: 1, Zone: r.flags.zone,
		Recordings: []string{filepath.Join(whole, "recording")},
	}
	if err := recording.Record(ctx, r.source, plan, options.Recordings[0], nil); err != nil {
		return nil, err
	}
	over, err := options.Over(ctx, []sim.Change{*c})
	if err != nil {
		return nil, err
	}
	file, err := c.File("incidents", over, "")
	if err != nil {
		return nil, err
	}
	simulation, err := sim.Check(ctx, file, sim.CheckOptions{Long: true})
	if err != nil {
		return nil, err
	}
	defer simulation.Close()
	run, err := simulation.Play(ctx, sim.PlayOptions{Keep: true, Brief: true})
	if err != nil {
		return nil, err
	}
	ran := run.Column(reports.Recorded)
	if ran == nil {
		ran = run.Column(reports.Current)
	}
	var incidents []reports.Incident
	for _, x := range reports.Incidents(&ran.Objects[0], run.Start, run.End, int64(incidentGap.Seconds())) {
		if float64(x.Seconds)/60 > max(1, fleet.Noise(float64(x.Episodes), scalers[0].Policy.Interval)) {
			incidents = append(incidents, x)
		}
	}
	return incidents[max(0, len(incidents)-r.flags.lastIncidents):], nil
}

// plan lists what a replay of one target reads.
func (r *incidentRecorder) plan(scalers []sim.Autoscaler, from, to time.Time) (recording.Plan, error) {
	own := *r.flags
	own.narrow = true
	plan, err := own.plan(scalers, from, to)
	plan.Selectors, plan.Chunk = recording.Together(plan.Selectors), auditChunk
	return plan, err
}

// save records an incident with the time around it, unless an earlier call has.
func (r *incidentRecorder) save(ctx context.Context, object, name string, scalers []sim.Autoscaler, x reports.Incident) error {
	start, end := time.Unix(x.Start, 0).UTC(), time.Unix(x.End, 0).UTC()
	dir := filepath.Join(r.flags.out, name+"-"+start.Format("20060102T1504Z"))
	line := fmt.Sprintf("%s: breach of %s min from %s to %s: %s", object, reports.Number(float64(x.Seconds)/60), instantText(start), instantText(end), dir)
	if _, err := os.Stat(dir); err == nil {
		fmt.Fprintln(r.stdout, line+", there already")
		return nil
	}
	if r.flags.dryRun {
		fmt.Fprintln(r.stdout, line)
		return nil
	}
	if err := os.MkdirAll(r.flags.out, 0o755); err != nil {
		return fmt.Errorf("--out %s: %w", r.flags.out, reason(err))
	}
	from, to := later(start.Add(-incidentGap), r.from), earlier(end.Add(incidentGap), r.to)
	if err := r.record(ctx, scalers, from, to, dir); err != nil {
		return err
	}
	size, err := sizeOf(dir)
	if err != nil {
		return internal(err)
	}
	fmt.Fprintf(r.stdout, "%s, %s\n", line, bytesText(size))
	return nil
}

// record saves a stretch of time as the flags say: samples, or results.
func (r *incidentRecorder) record(ctx context.Context, scalers []sim.Autoscaler, from, to time.Time, dir string) error {
	if !r.flags.evaluated {
		plan, err := r.plan(scalers, from, to)
		if err != nil {
			return err
		}
		return recording.Record(ctx, r.source, plan, dir, nil)
	}
	return r.flags.evaluate(ctx, r.client, evaluations(scalers, from, to, r.flags.queryOffset), dir, nil)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// sizeOf is the size of the files of a directory.
func sizeOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

// checkIncidents refuses what does not go with --last-incidents.
func (f *recordFlags) checkIncidents() error {
	switch {
	case f.lastIncidents < 0:
		return fmt.Errorf("--last-incidents %d: want a number above 0", f.lastIncidents)
	case len(f.matches) > 0:
		return errors.New("--match and --last-incidents exclude each other: an incident has the series of its target")
	case !f.context:
		return errors.New("--context=false and --last-incidents exclude each other: what ran is told by the recorded replicas")
	}
	return nil
}
