package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/explain"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/replay"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A verdict is that of a candidate on its own: played on from the count at which
// the journal begins, with the journal as its recording, and measured by what its
// metrics say was needed. What ran is measured by the same.
type verdict struct {
	// Unjudged says why nothing is known; empty where the figures are.
	Unjudged string `json:"unjudged,omitempty"`
	*AloneFigures
}

// AloneFigures compares what a candidate and what ran would have lacked and cost.
type AloneFigures struct {
	// Kind says what it means to have fewer than needed.
	Kind result.Kind `json:"kind"`
	// BreachMinutes is how long there were fewer ready replicas than needed,
	// RanBreachMinutes how long of what ran.
	BreachMinutes    float64 `json:"breachMinutes"`
	RanBreachMinutes float64 `json:"ranBreachMinutes"`
	ReplicaHours     float64 `json:"replicaHours"`
	RanReplicaHours  float64 `json:"ranReplicaHours"`
	// ReadyAfterSeconds is the start-up delay of new replicas.
	ReadyAfterSeconds int64 `json:"readyAfterSeconds"`

	// noise is by how many minutes breaches may differ without a reason.
	noise float64
}

// breaches says whether the candidate has too few replicas for longer than what ran,
// by more than the noise.
func (v *verdict) breaches() bool {
	return v.AloneFigures != nil && v.BreachMinutes > v.RanBreachMinutes+v.noise
}

// A course holds what a journal says of one autoscaler, slot by slot.
type course struct {
	object  journal.Object
	policy  *policy.Autoscaler // the last one
	longest int32              // interval of all of them
	slots   []observedSlot
}

type observedSlot struct {
	slot slot.Slot
	// spec, ready and all replicas, ready or not, are NaN where they were not observed.
	spec, ready, all float64
	metrics          []journal.Metric
}

// courseOf reads an autoscaler's records; counts that are asked for elsewhere
// replace the observed ones.
func courseOf(o *indexedObject, ran ran, elsewhere bool) (*course, error) {
	c := &course{object: o.Object}
	err := o.walk(func(_ *journalFile, step *journal.Step) error {
		r := step.Record
		s := observedSlot{slot: r.Slot, spec: math.NaN(), ready: math.NaN(), all: math.NaN(), metrics: r.Metrics}
		if r.Scale.Code == observation.OK {
			s.spec, s.ready, s.all = float64(r.Scale.Spec), serving(&r.Scale), float64(r.Scale.Status)
		}
		if elsewhere {
			value, ok, err := ran(r)
			if err != nil {
				return err
			}
			s.spec, s.ready, s.all = math.NaN(), math.NaN(), math.NaN()
			if ok {
				s.spec, s.ready, s.all = value, value, value
			}
		}
		c.slots = append(c.slots, s)
		if step.Policy != nil {
			c.policy = step.Policy
			c.longest = max(c.longest, step.Policy.Interval)
		}
		return nil
	})
	return c, err
}

// serving are the replicas that a metric was of.
func serving(s *autoscaler.Scale) float64 { return float64(s.Serving()) }

// alone plays the candidate of a journal on by itself. What makes that
// impossible is the verdict, not an error.
func (a *app) alone(ctx context.Context, o *indexedObject, ran ran, flags *compareFlags) (*verdict, error) {
	c, err := courseOf(o, ran, flags.with != "")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "karpenter-compare-")
	if err != nil {
		return nil, internal(err)
	}
	defer os.RemoveAll(dir)
	file, err := c.scenario(dir, flags)
	if err != nil {
		return &verdict{Unjudged: reasonOf(err)}, nil
	}
	quiet := *a
	quiet.quiet = true
	job, err := runs.Prepare(ctx, file, runs.Options{Version: version()})
	if err != nil {
		return &verdict{Unjudged: reasonOf(err)}, nil
	}
	defer job.Close()
	report, err := job.PlayInto(ctx, filepath.Join(dir, "out"), nil)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return &verdict{Unjudged: reasonOf(err)}, nil
	}
	return c.verdict(report, file), nil
}

// verdict takes the figures out of a report.
func (c *course) verdict(report *reports.Report, file *scenario.File) *verdict {
	alone, recorded := report.Column(reports.Current), report.Column(reports.Recorded)
	breach := alone.Figures.Get("breach_minutes")
	if recorded == nil || math.IsNaN(breach) {
		return &verdict{Unjudged: "what was needed is not known at any time"}
	}
	kind := result.Capacity
	for _, o := range report.Run.Columns[0].Objects {
		for _, y := range o.Yardsticks {
			if y.Kind == result.Target {
				kind = result.Target
			}
		}
	}
	return &verdict{AloneFigures: &AloneFigures{
		Kind:          kind,
		BreachMinutes: breach, RanBreachMinutes: recorded.Figures.Get("breach_minutes"),
		ReplicaHours: alone.Figures.Get("replica_hours"), RanReplicaHours: recorded.Figures.Get("replica_hours"),
		noise:             fleet.Noise(recorded.Figures.Get("breach_episodes"), c.longest),
		ReadyAfterSeconds: int64(time.Duration(file.Spec.Replay.ReadyAfter.Fixed) / time.Second),
	}}
}

// Series of a journal as a recording: its counts, and the values of its metrics by
// their number. Those of schedules keep their name, by which they are known.
const (
	journalReady = "karpenter_journal_ready_replicas"
	journalAll   = "karpenter_journal_replicas"
	journalValue = "karpenter_journal_value"
	metricLabel  = "metric"
)

// scenario writes the journal as a recording and the replay of it by the
// candidate, which acts in it.
func (c *course) scenario(dir string, flags *compareFlags) (*scenario.File, error) {
	if c.policy == nil {
		return nil, errors.New("the journal has no policy that decided")
	}
	if query := c.valueless(); query != "" {
		return nil, fmt.Errorf("its metric %s never had a value", query)
	}
	if err := os.WriteFile(filepath.Join(dir, "journal.om"), c.openMetrics(), 0o600); err != nil {
		return nil, err
	}
	object, err := c.candidate()
	if err != nil {
		return nil, err
	}
	first, last := c.slots[0].slot, c.slots[len(c.slots)-1].slot
	s := &scenario.Scenario{APIVersion: scenario.APIVersion, Kind: scenario.Kind}
	s.Metadata.Name = "alone"
	spec := &s.Spec
	spec.Seed = 1
	spec.Start = scenario.Time{Time: first.Time()}
	spec.Duration = scenario.Duration(time.Duration(last-first)*time.Second + time.Duration(c.policy.Interval)*time.Second)
	spec.Controller.Phase = scenario.Aligned
	lookback := scenario.Duration(time.Duration(c.longest) * time.Second)
	spec.Prometheus.LookbackDelta = &lookback
	spec.Prometheus.EnableFeatures = fake.FeatureNames() // the server has answered already
	spec.Recordings = []scenario.Recording{{File: filepath.Join(dir, "journal.om"), Format: scenario.OpenMetrics}}
	target := object.Spec.ScaleTargetRef
	ref := scenario.Reference{Namespace: c.object.Namespace, Kind: target.Kind, Name: target.Name}
	delay := scenario.Duration(c.bootDelay())
	if flags.readyAfter != "" {
		if delay, err = replay.ParseDuration("--ready-after", flags.readyAfter); err != nil {
			return nil, err
		}
	}
	spec.Replay = &scenario.Replay{Replicas: map[string]string{ref.String(): journalReady}, ReadyAfter: &scenario.StartUp{Fixed: delay}}
	spec.Yardstick = c.capacities(ref)
	if n, ok := c.begins(); ok {
		spec.Targets = []scenario.Target{{APIVersion: target.APIVersion, Kind: target.Kind, Namespace: ref.Namespace, Name: ref.Name, Replicas: &n}}
	}
	text, err := scenario.Write(s, object)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, sim.ScenarioFile)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	return scenario.Load(path, scenario.Options{})
}

// capacities say what was needed by the Utilization metrics of the policy: a replica
// has the capacity of its request. A journal tells of no saturation: where replicas
// showed more than that they had too much to do.
func (c *course) capacities(ref scenario.Reference) scenario.Yardsticks {
	var list scenario.Yardsticks
	for i, m := range c.policy.Metrics {
		if m.Type == policy.Utilization {
			list = append(list, scenario.Yardstick{
				Target: ref.String(), Expr: fmt.Sprintf("(%s) * scalar(%s)", c.selector(i), c.sharedBy(m.Query)), PerReplica: 1, Kind: result.Capacity,
			})
		}
	}
	return list
}

// sharedBy is the count that a share is of: of the ready replicas, or of all, where
// the query divides by what those request that are starting, too. It is the one with
// which share x count changes less where the counts change.
func (c *course) sharedBy(query string) string {
	var ready, all float64
	last := observedSlot{ready: math.NaN()}
	var share float64
	for _, s := range c.slots {
		i := slices.IndexFunc(s.metrics, func(m journal.Metric) bool { return m.Query == query && m.Code == observation.OK })
		if i < 0 || !(s.ready > 0) || !(s.metrics[i].Value > 0) {
			last.ready = math.NaN()
			continue
		}
		value := s.metrics[i].Value
		if last.ready > 0 && (s.ready != last.ready || s.all != last.all) {
			ready += math.Abs(math.Log(value * s.ready / (share * last.ready)))
			all += math.Abs(math.Log(value * s.all / (share * last.all)))
		}
		last, share = s, value
	}
	if all < ready {
		return journalAll
	}
	return journalReady
}

// begins is the first count observed.
func (c *course) begins() (int32, bool) {
	for _, s := range c.slots {
		if !math.IsNaN(s.spec) {
			return int32(s.spec), true
		}
	}
	return 0, false
}

// bootDelay is how long replicas took from being asked for to serving.
func (c *course) bootDelay() time.Duration {
	var asked, ready reports.Steps
	for _, s := range c.slots {
		asked.Append(int64(s.slot), s.spec)
		ready.Append(int64(s.slot), s.ready)
	}
	return time.Duration(result.BootDelay(asked, ready)) * time.Second
}

// openMetrics are the journal's counts and the values of its metrics.
func (c *course) openMetrics() []byte {
	series := map[string]*strings.Builder{}
	var names []string
	add := func(name string, at slot.Slot, v float64) {
		b := series[name]
		if b == nil {
			b = &strings.Builder{}
			series[name], names = b, append(names, name)
		}
		fmt.Fprintf(b, "%s %s %d\n", name, strconv.FormatFloat(v, 'g', -1, 64), int64(at))
	}
	for _, s := range c.slots {
		if !math.IsNaN(s.ready) {
			add(journalReady, s.slot, s.ready)
			add(journalAll, s.slot, s.all)
		}
		for _, m := range s.metrics {
			if i := c.metric(m.Query); i >= 0 && m.Code == observation.OK {
				add(c.selector(i), s.slot, m.Value)
			}
		}
	}
	var out strings.Builder
	for _, name := range names {
		out.WriteString(series[name].String())
	}
	out.WriteString("# EOF\n")
	return []byte(out.String())
}

// valueless is the first query of the policy without a value in the journal.
func (c *course) valueless() string {
	for _, m := range c.policy.Metrics {
		if !slices.ContainsFunc(c.slots, func(s observedSlot) bool {
			return slices.ContainsFunc(s.metrics, func(o journal.Metric) bool { return o.Query == m.Query && o.Code == observation.OK })
		}) {
			return m.Query
		}
	}
	return ""
}

// metric is the first of the policy's metrics with a query, negative where none
// has it.
func (c *course) metric(query string) int {
	for i := range c.policy.Metrics {
		if c.policy.Metrics[i].Query == query {
			return i
		}
	}
	return -1
}

// selector is the series that stands for a metric's query.
func (c *course) selector(i int) string {
	name := journalValue
	selectors, err := recording.Selectors(c.policy.Metrics[i].Query)
	if err == nil && len(selectors) == 1 && strings.HasPrefix(selectors[0].String(), producer.ScheduledReplicas+"{") {
		name = producer.ScheduledReplicas
	}
	return fmt.Sprintf("%s{%s=\"%d\"}", name, metricLabel, i)
}

// candidate is the autoscaler as it would act: the last policy of the journal,
// whose queries are the series of the journal.
func (c *course) candidate() (*v1alpha1.HorizontalAutoscaler, error) {
	p := c.policy
	ha := &v1alpha1.HorizontalAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: journal.HorizontalAutoscaler},
		ObjectMeta: metav1.ObjectMeta{Namespace: c.object.Namespace, Name: c.object.Name},
		Spec: v1alpha1.HorizontalAutoscalerSpec{
			ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: p.Target.APIVersion, Kind: p.Target.Kind, Name: p.Target.Name},
			MinReplicas:    p.Min, MaxReplicas: p.Max, PollingIntervalSeconds: &p.Interval,
			Behavior: behaviorOf(p),
		},
	}
	if p.Zero != nil {
		ha.Spec.Zero = &v1alpha1.Zero{CooldownSeconds: &p.Zero.Cooldown, InitialCooldownSeconds: p.Zero.InitialCooldown, IdleReplicas: p.Zero.Idle}
	}
	want := *p
	want.DryRun = false
	want.Metrics = nil
	for i := range p.Metrics {
		m := p.Metrics[i]
		value := quantityOf(m.Target)
		m.Query = c.selector(c.metric(m.Query))
		want.Metrics = append(want.Metrics, m)
		metric := v1alpha1.Metric{Prometheus: &v1alpha1.PrometheusMetricSource{
			Query: m.Query, Target: v1alpha1.MetricTarget{Type: v1alpha1.MetricTargetType(m.Type), Value: &value},
		}}
		if m.Activation != nil {
			activation := quantityOf(*m.Activation)
			metric.Activation = &activation
		}
		ha.Spec.Metrics = append(ha.Spec.Metrics, metric)
	}
	again, errs := policy.CompileAutoscaler(&ha.Spec, field.NewPath("spec"))
	if len(errs) > 0 {
		return nil, fmt.Errorf("its policy cannot be played: %w", errs.ToAggregate())
	}
	if string(again.Encode()) != string(want.Encode()) {
		return nil, errors.New("its policy has something that no manifest says")
	}
	return ha, nil
}

// behaviorOf is a policy's behavior. That of an HPA without one says no more than
// the tolerances and the window down, which are all it has.
func behaviorOf(p *policy.Autoscaler) v1alpha1.Behavior {
	b := v1alpha1.Behavior{ScaleUp: rulesOf(&p.Up), ScaleDown: rulesOf(&p.Down)}
	if p.Algorithm == policy.HPAWithoutBehavior {
		b.Algorithm = v1alpha1.HPAWithoutBehavior
		b.ScaleUp = &v1alpha1.ScalingRules{Tolerance: b.ScaleUp.Tolerance}
		b.ScaleDown = &v1alpha1.ScalingRules{Tolerance: b.ScaleDown.Tolerance, StabilizationWindowSeconds: b.ScaleDown.StabilizationWindowSeconds}
	}
	return b
}

func rulesOf(r *policy.Rules) *v1alpha1.ScalingRules {
	tolerance, selects := quantityOf(r.Tolerance), v1alpha1.ScalingPolicySelect(r.Select)
	out := &v1alpha1.ScalingRules{StabilizationWindowSeconds: &r.Window, Tolerance: &tolerance, SelectPolicy: &selects}
	for _, rate := range r.Policies {
		out.Policies = append(out.Policies, v1alpha1.ScalingPolicy{Type: v1alpha1.ScalingPolicyType(rate.Type), Value: rate.Value, PeriodSeconds: rate.Period})
	}
	return out
}

// quantityOf is a number that was compiled from a quantity.
func quantityOf(v float64) resource.Quantity {
	return resource.MustParse(strconv.FormatFloat(v, 'f', -1, 64))
}

// reasonOf is an error's first line, without a place in files that are gone.
func reasonOf(err error) string {
	if all := manifest.Placed(err); len(all) > 0 {
		return all[0].Message
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// short says what it is to have fewer replicas than needed.
func (v *verdict) short() string {
	if v.Kind == result.Target {
		return "ran above its target"
	}
	return "lacked capacity"
}

// lines are the verdict in a comparison for people.
func (v *verdict) lines() string {
	if v.Unjudged != "" {
		return wrapped("alone, it could not be judged: "+v.Unjudged, "  ", textWidth)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  alone        %s for %s, %s replica-hours\n", v.short(), minutesSpan(v.BreachMinutes), explain.Figure(math.Round(v.ReplicaHours*10)/10))
	fmt.Fprintf(&b, "  what ran     %s for %s, %s replica-hours\n", v.short(), minutesSpan(v.RanBreachMinutes), explain.Figure(math.Round(v.RanReplicaHours*10)/10))
	b.WriteString(wrapped(fmt.Sprintf("Alone, the candidate is played on over the metrics of the journal, with new replicas ready after %s. Both are measured by what its metrics say was needed.",
		span(v.ReadyAfterSeconds)), "  ", textWidth))
	return b.String()
}

// minutesSpan is a number of minutes in words.
func minutesSpan(minutes float64) string { return span(int64(math.Round(minutes * 60))) }
