package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/audits"
	"github.com/karpenter-sim/karpenter/providers/prometheus"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/replay"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// auditLiveFlags say what is audited of a cluster and its Prometheus, and how gently.
type auditLiveFlags struct {
	server     serverFlags
	cluster    clusterFlags
	everywhere bool
	from, to   string
	state      string
	resume     bool
	perSecond  float64
	inFlight   int
	retryFor   time.Duration
	// given are the flags that the command line has.
	given func(flag string) bool
}

// ofServers are the flags that go with --prometheus.
var ofServers = []string{"http.config.file", "header", "all-namespaces", "from", "to", "state", "resume", "max-queries-per-second", "max-queries-in-flight", "retry-for"}

// auditChunk is the time of one autoscaler's metrics that is read at once.
const auditChunk = 48 * time.Hour

// auditTime is how much of the past is judged unless --from says otherwise.
const auditTime = 14 * 24 * time.Hour

func (f *auditLiveFlags) add(c *cobra.Command) {
	flags := c.Flags()
	f.server.add(c)
	f.cluster.addContext(flags)
	flags.BoolVarP(&f.everywhere, "all-namespaces", "A", false, "of a cluster: the autoscalers of all namespaces (default: those of -n, else of the context's namespace)")
	flags.StringVar(&f.from, "from", "", "with --prometheus: where the time that is judged begins (default: 14 days before --to)")
	flags.StringVar(&f.to, "to", "", "with --prometheus: where it ends (default: now)")
	flags.StringVar(&f.state, "state", "karpenter-audit", "with --prometheus: directory that keeps what was found")
	flags.BoolVar(&f.resume, "resume", false, "with --prometheus: go on with the audit in --state, or show it again if it came to its end")
	flags.Float64Var(&f.perSecond, "max-queries-per-second", 50, "with --prometheus: requests that are begun a second, 0 for no limit")
	flags.IntVar(&f.inFlight, "max-queries-in-flight", 4, "with --prometheus: requests at a time, 0 for no limit")
	flags.DurationVar(&f.retryFor, "retry-for", time.Minute, "with --prometheus: how long to wait for a server that does not answer before the audit ends, partial")
}

// unused refuses flags that have no effect without --prometheus.
func (f *auditLiveFlags) unused() error {
	for _, name := range []string{"context", "kubeconfig"} {
		if f.given(name) {
			return errors.New("--prometheus is required: the URL of the server that has the metrics of the cluster, e.g. through kubectl port-forward")
		}
	}
	for _, name := range ofServers {
		if f.given(name) {
			return fmt.Errorf("--%s goes with --prometheus", name)
		}
	}
	return nil
}

// check refuses flags that do not go together, and a state that is in the way.
func (f *auditFlags) check() error {
	l := &f.live
	switch {
	case len(f.Recordings) > 0:
		return errors.New("--recording and --prometheus exclude each other: metrics come from one of them")
	case slices.Contains(f.Manifests, stdinPath):
		return errors.New("-f -: an audit that is resumed reads the manifests again; write them to a file first")
	case l.perSecond < 0 || l.inFlight < 0 || l.retryFor < 0:
		return errors.New("--max-queries-per-second, --max-queries-in-flight, --retry-for: want 0 or more")
	case l.everywhere && f.Namespace != "":
		return fmt.Errorf("-A and -n %s exclude each other", quoteArgument(f.Namespace))
	}
	if len(f.Manifests) > 0 {
		for _, name := range []string{"context", "kubeconfig", "all-namespaces"} {
			if l.given(name) {
				return fmt.Errorf("-f and --%s exclude each other: objects come from files or from a cluster", name)
			}
		}
	}
	in, err := output.Inside(l.state, flagInputs("-f", f.Manifests...)...)
	if err == nil && in != nil {
		return fmt.Errorf("%s %s lies inside --state %s, where an audit replaces files; move it elsewhere, or name another directory", in.Name, in.Path, l.state)
	}
	if l.resume {
		return nil
	}
	if begun, unfinished := audits.Unfinished(l.state); unfinished {
		return fmt.Errorf("--state %s: an audit is there that did not come to its end: %s; go on with --resume, name another directory, or remove it", l.state, begun.Command)
	}
	return l.inState(audits.Check(l.state))
}

func (f *auditLiveFlags) inState(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("--state %s: %w", f.state, err)
}

// A liveAudit reads the metrics of one autoscaler after another.
type liveAudit struct {
	*app
	flags   *auditFlags
	objects liveObjects
	client  *http.Client
	source  recording.Source
	state   *audits.State
	// temporary holds the recordings of those that are judged now.
	temporary string
	total     int
	done      atomic.Int64
}

func (a *app) auditLive(ctx context.Context, f *auditFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	l := &liveAudit{app: a, flags: f}
	var err error
	if l.client, err = f.live.server.client(); err != nil {
		return err
	}
	l.client.Transport = prometheus.Limited(l.client.Transport, f.live.perSecond, f.live.inFlight)
	if err := l.open(ctx); err != nil {
		return err
	}
	defer l.state.Close()
	set, broken, err := l.load()
	if err != nil {
		return err
	}
	changes, err := a.audited(f, set)
	if err != nil {
		return err
	}
	if err := f.named(changes); err != nil {
		return err
	}
	if l.temporary, err = os.MkdirTemp("", "karpenter-audit-"); err != nil {
		return internal(err)
	}
	defer os.RemoveAll(l.temporary)
	l.total = len(changes)
	if l.source == nil && slices.ContainsFunc(changes, l.missing) {
		if err := l.connect(ctx, l.state.To); err != nil {
			return err
		}
	}
	audit := &fleet.Audit{Version: version(), Command: a.commandLine(), From: instantText(l.state.From), To: instantText(l.state.To)}
	err = auditEach(ctx, changes, audit, l.fill)
	judged := len(audit.Rows)
	audit.Rows = slices.Concat(audit.Rows, broken, l.state.Unlisted)
	return l.finish(ctx, audit, judged, err)
}

// finish tells what was found. An error of the judging means that it is not all.
func (l *liveAudit) finish(ctx context.Context, audit *fleet.Audit, judged int, err error) error {
	var silent *silentError
	switch {
	case err == nil:
	case errors.As(err, &silent):
		audit.Partial = fmt.Sprintf("%d of %s judged before Prometheus stopped answering", judged, counted(l.total, "target"))
	case ctx.Err() != nil:
		audit.Partial = fmt.Sprintf("%d of %s judged before it was interrupted", judged, counted(l.total, "target"))
	default:
		return err
	}
	audit.Finish()
	if audit.Partial == "" {
		if err := l.state.Finish(audit); err != nil {
			return internal(l.flags.live.inState(err))
		}
	}
	if err := l.tellAudit(audit, l.flags.format); err != nil {
		return err
	}
	onward := l.commandLine()
	if !l.flags.live.resume {
		onward += " --resume"
	}
	switch {
	case silent != nil:
		return failed("the audit is partial, %s: %v; go on with: %s", audit.Partial, silent.err, onward)
	case audit.Partial != "":
		l.note("the audit is partial, %s; go on with: %s", audit.Partial, onward)
		return ctx.Err()
	}
	if slices.ContainsFunc(audit.Rows, func(f fleet.Finding) bool { return f.Unread }) {
		l.note("Prometheus did not give the metrics of all; to ask it again: %s", onward)
	}
	return nil
}

// named refuses --replicas, --target and --price of objects that nothing scales.
func (f *auditFlags) named(changes []sim.Change) error {
	all := &manifest.Set{}
	for i := range changes {
		if head := changes[i].Head; head != nil {
			all.Autoscalers = append(all.Autoscalers, head.Autoscalers...)
		}
	}
	for _, flag := range []struct {
		name   string
		values []string
	}{{"replicas", f.Replicas}, {"target", f.Targets}, {"price", f.Prices}} {
		for _, text := range flag.values {
			if flag.name == "price" && !strings.Contains(text, "=") {
				continue
			}
			ref, err := scaleTarget(all, text)
			if err != nil || !slices.ContainsFunc(changes, func(c sim.Change) bool { return c.Target == ref }) {
				return fmt.Errorf("--%s %s: no autoscaler scales such a target", flag.name, quoteArgument(text))
			}
		}
	}
	return nil
}

// open begins the audit, or goes on with the one that is there.
func (l *liveAudit) open(ctx context.Context) error {
	f := &l.flags.live
	if err := l.identify(); err != nil {
		return err
	}
	if f.resume {
		var err error
		l.state, err = audits.Resume(f.state, l.objects.key)
		return f.inState(err)
	}
	record := recordFlags{from: cmp.Or(f.from, "0"), to: f.to, zone: l.flags.Zone, lookback: replay.DefaultLookback}
	from, to, err := record.times(time.Now())
	if err != nil {
		return err
	}
	if f.from == "" {
		from = to.Add(-auditTime)
	}
	if err := l.connect(ctx, to); err != nil {
		return err
	}
	begun := audits.Begun{Command: l.commandLine(), Flags: l.objects.key, From: from, To: to}
	var manifests map[string][]byte
	if len(l.flags.Manifests) == 0 {
		if manifests, begun.Unlisted, err = l.fetch(ctx); err != nil {
			return err
		}
	}
	l.state, err = audits.Begin(f.state, begun, manifests)
	return f.inState(err)
}

// connect finds out how to read raw samples.
func (l *liveAudit) connect(ctx context.Context, at time.Time) (err error) {
	l.source, err = recording.Probe(ctx, l.flags.live.server.address, l.client, at.UnixMilli())
	if err == nil && !l.source.StaleMarkers() {
		l.note("%s offers no remote read, so stale markers are inferred: a series has ended where others were scraped on and it was not", l.source.Address())
	}
	return err
}

// identify finds out which cluster and namespace is meant, and makes the key that tells
// this audit from others.
func (l *liveAudit) identify() error {
	o, f := &l.objects, l.flags
	if len(f.Manifests) == 0 {
		name, namespace := f.live.cluster.current()
		o.context = name
		config, err := f.live.cluster.config()
		if err != nil {
			return err
		}
		o.config = config
		if !f.live.everywhere {
			o.namespace = cmp.Or(f.Namespace, namespace)
		}
	}
	options := f.Options
	options.Cache = nil
	key := struct {
		Options                         replay.Options
		From, To, Server, Host, In, Sum string
		Advise                          bool
	}{options, f.live.from, f.live.to, public("--prometheus", f.live.server.address), "", o.namespace, "", f.advise}
	if o.config != nil {
		key.Host = o.config.Host
	}
	digest := sha256.New()
	files, err := manifestFiles(f.Manifests)
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("-f %s: %w", file, reason(err))
		}
		fmt.Fprintf(digest, "%d %s", len(text), text)
	}
	key.Sum = hex.EncodeToString(digest.Sum(nil))
	text, err := json.Marshal(key)
	if err != nil {
		return internal(err)
	}
	sum := sha256.Sum256(text)
	o.key = hex.EncodeToString(sum[:])
	return nil
}

// manifestFiles are the files that paths stand for.
func manifestFiles(paths []string) ([]string, error) {
	var all []string
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			all = append(all, path)
			continue
		}
		files, err := manifest.Files(path)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}

// missing says whether the metrics of a target are still to be read.
func (l *liveAudit) missing(c sim.Change) bool {
	_, found := l.state.Finding(rowName(&c))
	return c.Err == nil && !found
}

// fill finds out about one target, unless an earlier call has.
func (l *liveAudit) fill(ctx context.Context, c *sim.Change, name string, row *fleet.Finding) error {
	if found, ok := l.state.Finding(row.Object); ok {
		*row = found
		l.done.Add(1)
		return nil
	}
	err := l.judge(ctx, c, name, row)
	var silent *silentError
	var unread *unreadError
	switch {
	case errors.As(err, &silent):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		row.Unjudged, row.Unread = oneLineOf(err), errors.As(err, &unread)
	}
	if err := l.state.Add(row); err != nil {
		return internal(l.flags.live.inState(err))
	}
	l.note("%d of %d: %s", l.done.Add(1), l.total, row.Object)
	return nil
}

// judge records what the replay of one target's autoscalers needs, and replays them.
func (l *liveAudit) judge(ctx context.Context, c *sim.Change, name string, row *fleet.Finding) error {
	if c.Err != nil {
		return c.Err
	}
	dir, err := os.MkdirTemp(l.temporary, "target-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	recorded := filepath.Join(dir, "recording")
	if err := l.record(ctx, c, recorded); err != nil {
		return err
	}
	options := l.flags.Options
	options.Recordings = []string{recorded}
	options.Replicas, options.Targets, options.Prices = ofTarget(c, options.Replicas), ofTarget(c, options.Targets), ofTarget(c, options.Prices)
	over, err := options.Over(ctx, []sim.Change{*c})
	if err != nil {
		return options.InFlags(err, sim.ScenarioFile)
	}
	return judge(ctx, c, name, over, sim.CheckOptions{Long: true}, l.flags.advise, row)
}

// scaleTarget is the target that a flag OBJECT=VALUE names.
func scaleTarget(set *manifest.Set, text string) (scenario.Reference, error) {
	object, _, _ := strings.Cut(text, "=")
	return replay.ScaleTarget(set, object)
}

// ofTarget are the flags OBJECT=VALUE that are about the target of a change, and those
// that name no object.
func ofTarget(c *sim.Change, flags []string) []string {
	var own []string
	for _, text := range flags {
		if !strings.Contains(text, "=") {
			own = append(own, text)
		} else if ref, err := scaleTarget(c.Head, text); err == nil && ref == c.Target {
			own = append(own, text)
		}
	}
	return own
}

// A silentError is that of a Prometheus that does not answer any more.
type silentError struct{ err error }

func (e *silentError) Error() string { return e.err.Error() }

// An unreadError is that of a Prometheus that answers, but not for one target.
type unreadError struct{ error }

func (e *unreadError) Unwrap() error { return e.error }

// record saves the metrics of one target. Where that fails it waits for the server to
// answer again, and goes on once.
func (l *liveAudit) record(ctx context.Context, c *sim.Change, dir string) error {
	plan, err := l.plan(c)
	if err != nil {
		return err
	}
	err = l.read(ctx, plan, dir)
	var nothing *recording.NoSamplesError
	switch {
	case errors.As(err, &nothing):
		return fmt.Errorf("%s has no samples of %s, nor of the replicas of %s, from %s to %s", l.source.Address(), strings.Join(selectorsOf(plan.Queries), ", "), c.Target,
			instantText(l.state.From), instantText(l.state.To))
	case err == nil, ctx.Err() != nil:
		return err
	}
	if silent := l.await(ctx); silent != nil {
		return &silentError{silent}
	}
	if err := l.read(ctx, plan, dir); err != nil {
		return &unreadError{err}
	}
	return nil
}

// selectorsOf are the selectors of queries, as people write them.
func selectorsOf(queries []string) []string {
	var texts []string
	for _, query := range queries {
		selectors, err := recording.Selectors(query)
		if err != nil {
			continue // it was read before
		}
		for _, s := range selectors {
			texts = append(texts, s.Text())
		}
	}
	return texts
}

func (l *liveAudit) read(ctx context.Context, plan recording.Plan, dir string) error {
	return recording.Record(ctx, l.source, plan, dir, nil)
}

// await waits until the server answers, and returns its last error if it does not within
// --retry-for.
func (l *liveAudit) await(ctx context.Context) error {
	pause, until := time.Second, time.Now().Add(l.flags.live.retryFor)
	for {
		_, err := recording.Probe(ctx, l.flags.live.server.address, l.client, l.state.To.UnixMilli())
		if err == nil || ctx.Err() != nil || time.Now().Add(pause).After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// plan lists what the replay of one target's autoscalers reads.
func (l *liveAudit) plan(c *sim.Change) (recording.Plan, error) {
	enforce, err := l.flags.Enforced()
	if err != nil {
		return recording.Plan{}, err
	}
	scalers, err := sim.Resolve(c.Head, enforce, l.flags.Features...)
	if err != nil {
		return recording.Plan{}, err
	}
	lookback := replay.DefaultLookback
	if l.flags.Lookback != "" {
		d, err := replay.ParseDuration("--lookback", l.flags.Lookback)
		if err != nil {
			return recording.Plan{}, err
		}
		lookback = time.Duration(d)
	}
	record := recordFlags{labels: l.flags.Labels, context: true, narrow: true, lookback: lookback}
	plan, err := record.plan(scalers, l.state.From, l.state.To)
	plan.Selectors, plan.Chunk = recording.Together(plan.Selectors), auditChunk
	return plan, err
}
