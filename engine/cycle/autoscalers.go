package cycle

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/algorithm"
	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Autoscalers drives HorizontalAutoscalers. Calls for different objects may run
// concurrently; calls for one object must not.
type Autoscalers struct {
	Metrics MetricSource
	// Notice, if set, says what is to be said of a metric's source while it answers,
	// such as that its configuration is an old one; mostly it is empty.
	Notice  func(source string) string
	Targets ScaleTargets
	Store   AutoscalerStore
	Journal Journal
	// QueryOffset is how long before the slot queries are evaluated, so that
	// late samples have arrived.
	QueryOffset time.Duration
	// DryRun holds every autoscaler in dry run, whatever its spec says.
	DryRun bool
	// Phase places an object on the grid of its interval; nil means slot.Phase.
	Phase func(name types.NamespacedName, interval int32) int32
	// Since is the last instant before this driver was in charge: only later
	// slots are decided.
	Since slot.Slot
	// Owners returns the autoscalers of all kinds that name a target; nil means
	// that no two share one.
	Owners func(target TargetKey) []Owner
	// HPA are the flags of Kubernetes' own controller that converted HPAs without a
	// behavior decide by.
	HPA policy.HPA
	// Refresh is the least time in seconds between two writes of currentMetrics
	// alone.
	Refresh int64

	objects memories[*autoscalerMemory]
}

// autoscalerMemory holds what the driver knows of one autoscaler; its state is what
// the store holds, decoded.
type autoscalerMemory struct {
	objectMemory

	policy         *policy.Autoscaler // nil where the spec is invalid
	target         TargetRef
	state          autoscaler.State
	published      published
	status         v1alpha1.HorizontalAutoscalerStatus
	conditionsFrom conditionsSource // what status.conditions were made of
	rival          string           // who else acts on the target, as of the last slot
	refused        string           // why the target did not take the last slot's change
	cause          string           // what the target's last error says to people
	unread         string           // which annotation of a pause cannot be read, and why
	later          string           // that the pause was set after paused-until was over, else empty

	// Reused from slot to slot.
	in      autoscaler.Input
	queries []Query
	answers []Answer
}

// Reconcile decides the slot that now falls on, if it is due, and returns the
// next one. An error means that the slot was not decided for want of the store;
// it may be tried again until the next slot.
func (a *Autoscalers) Reconcile(ctx context.Context, now time.Time, object *v1alpha1.HorizontalAutoscaler) (slot.Slot, error) {
	m := a.objects.of(journal.HorizontalAutoscaler, object, func() *autoscalerMemory { return &autoscalerMemory{} })
	return reconcile(ctx, now, a.Since, object, m, a.Store, a)
}

// Forget drops what the driver knows of an object that is gone.
func (a *Autoscalers) Forget(name types.NamespacedName) { a.objects.forget(name) }

// compile implements steps.
func (a *Autoscalers) compile(m *autoscalerMemory, object *v1alpha1.HorizontalAutoscaler) {
	interval := int32(policy.DefaultInterval)
	compiled, errs := a.HPA.CompileAutoscaler(&object.Spec, field.NewPath("spec"))
	m.policy = compiled
	if errs != nil {
		m.invalid = errs.ToAggregate().Error()
	} else {
		compiled.DryRun = compiled.DryRun || a.DryRun
		interval = compiled.Interval
		m.setPolicy(compiled.Encode())
		m.target = TargetRef{compiled.Target.APIVersion, compiled.Target.Kind, m.name.Namespace, compiled.Target.Name}
	}
	m.grid = slot.Grid{Interval: interval, Phase: phase(a.Phase, journal.HorizontalAutoscaler, m.name, interval)}
}

// load implements steps.
func (a *Autoscalers) load(ctx context.Context, m *autoscalerMemory, object *v1alpha1.HorizontalAutoscaler, now slot.Slot) {
	object.Status.DeepCopyInto(&m.status)
	m.conditionsFrom = conditionsSource{}
	m.restore(m.status.State)
	if err := m.state.UnmarshalText([]byte(m.text)); err != nil {
		// A state that cannot be read is one that is lost: the first sight of the
		// current count holds against any scale-down.
		m.lose(m.grid.Of(now))
	}
	m.published = publishedOf(&m.status)
	if !m.decided {
		m.refused = m.published.refused
	}
	a.resend(ctx, m, now)
}

// resend repeats a command that a crash may have kept from the target: it was
// committed, less than one interval has passed, and the count has not moved.
func (a *Autoscalers) resend(ctx context.Context, m *autoscalerMemory, now slot.Slot) {
	last := m.state.Last
	if m.policy == nil || m.policy.DryRun || !last.Pending() || now-last.Slot >= slot.Slot(m.grid.Interval) || m.ahead(last.Slot, now) {
		return
	}
	scale, err := a.Targets.Get(ctx, m.target, time.Time{})
	if err != nil || scale.Spec != last.From {
		return
	}
	outcome := a.actuate(ctx, m, last.Slot, scale, last.To)
	m.refused = m.refusal(outcome)
	a.Journal.Outcome(outcome)
}

// latest implements steps.
func (a *Autoscalers) latest(m *autoscalerMemory) slot.Slot {
	if !m.state.Decided() {
		return 0
	}
	return m.state.Slot()
}

// begin implements steps.
func (a *Autoscalers) begin(ctx context.Context, m *autoscalerMemory, s slot.Slot, why string) error {
	m.lose(s)
	m.status.State, m.status.Reason = m.text, StateReset
	reset(&m.status.Conditions, s, m.generation, why)
	version, err := a.Store.Commit(ctx, m.name, m.version, &m.status)
	if err != nil {
		return err
	}
	m.version, m.refused = version, ""
	m.published, m.conditionsFrom = publishedOf(&m.status), conditionsSource{}
	return nil
}

// lose sets the state aside. Of a target that may sleep, or whose spec does not say,
// it keeps that it may just have been active.
func (m *autoscalerMemory) lose(at slot.Slot) {
	m.state = autoscaler.State{}
	if m.policy == nil || m.policy.Zero != nil {
		m.state = autoscaler.Lost(m.grid, at)
	}
	text, _ := m.state.MarshalText() // its only error is nil
	m.restore(string(text))
}

// journal implements steps.
func (a *Autoscalers) journal() Journal { return a.Journal }

// decide implements steps.
func (a *Autoscalers) decide(ctx context.Context, m *autoscalerMemory, s slot.Slot) error {
	scale, d := a.step(ctx, m, s)
	before := m.status.LastScaleTime
	if err := a.commit(ctx, m, s, &d); err != nil {
		// Not committed is not decided, unless only the answer was lost: the
		// store knows.
		m.loaded = false
		return err
	}
	m.pass(s)
	var outcome *journal.Outcome
	if d.Known && d.Desired != scale.Spec && !m.policy.DryRun {
		outcome = a.actuate(ctx, m, s, scale, d.Desired)
	}
	m.refused = m.refusal(outcome)
	m.scaled(outcome, before)
	a.Journal.Record(&m.record)
	if outcome != nil {
		a.Journal.Outcome(outcome)
	}
	return nil
}

// scaled corrects the time of the last change by what came of the one just decided;
// the next slot, which settles that, writes it. What timed out may have been taken.
func (m *autoscalerMemory) scaled(o *journal.Outcome, before *metav1.Time) {
	switch {
	case o == nil || o.Result == string(observation.TimedOut):
	case o.Result == Applied:
		at := metav1.NewTime(o.Slot.Time())
		m.status.LastScaleTime = &at
	default:
		m.status.LastScaleTime = before
	}
}

// step observes and decides, and fills in the record.
func (a *Autoscalers) step(ctx context.Context, m *autoscalerMemory, s slot.Slot) (Scale, autoscaler.Decision) {
	m.open(s)
	r := &m.record
	m.pause(s)
	if m.policy == nil {
		d := autoscaler.Decision{Reason: autoscaler.InvalidPolicy}
		r.Metrics, r.Scale = r.Metrics[:0], autoscaler.Scale{}
		r.Decide(&policy.Autoscaler{}, &d)
		return Scale{}, d
	}
	scale := a.observe(ctx, m, s)
	var d autoscaler.Decision
	m.state, d = autoscaler.Step(m.policy, m.state, &m.in)
	r.Decide(m.policy, &d)
	return scale, d
}

// observe asks Prometheus for every metric, and the target for its scale: how many
// replicas were ready since the metrics were sampled is known only then.
func (a *Autoscalers) observe(ctx context.Context, m *autoscalerMemory, s slot.Slot) Scale {
	at := s.Time().Add(-a.QueryOffset)
	m.ask(ctx, a.Metrics, at)
	var since time.Time
	if m.policy.CountsReady() {
		since = at.Add(-m.age())
	}
	scale, code := a.scale(ctx, m, since)
	m.in.Slot = s
	m.in.Scale = autoscaler.Scale{Spec: scale.Spec, Status: scale.Status, Code: code}
	if code == observation.OK && m.policy.CountsReady() {
		m.in.Scale.Ready, m.in.Scale.Counted = scale.Ready, true
		m.in.Scale.Fewer, m.in.Scale.More = max(0, scale.Ready-scale.ReadyLeast), max(0, scale.ReadyMost-scale.Ready)
	}
	m.in.Metrics = m.in.Metrics[:0]
	m.record.Scale = m.in.Scale
	m.record.Metrics = m.record.Metrics[:0]
	for i := range m.queries {
		sample := SampleOf(&m.answers[i])
		m.in.Metrics = append(m.in.Metrics, sample)
		m.record.Metrics = append(m.record.Metrics, journal.Metric{
			Source: m.queries[i].Source, Query: m.queries[i].Text, At: slot.At(at), Value: sample.Value, Code: sample.Code,
		})
	}
	return scale
}

// age is that of the oldest answer of the metrics that ready replicas multiply.
func (m *autoscalerMemory) age() time.Duration {
	var oldest time.Duration
	for i := range m.policy.Metrics {
		if m.policy.Metrics[i].Type != policy.AverageValue {
			oldest = max(oldest, m.answers[i].Result.Age)
		}
	}
	return oldest
}

func (a *Autoscalers) scale(ctx context.Context, m *autoscalerMemory, since time.Time) (Scale, observation.Code) {
	if m.rival = ""; a.Owners != nil && !m.policy.DryRun {
		m.rival = Rival(a.Owners(m.target.Key()), m.name.Name)
	}
	if m.rival != "" {
		return Scale{}, observation.Contested
	}
	scale, err := a.Targets.Get(ctx, m.target, since)
	m.cause = Sentence(err)
	if err != nil {
		return Scale{}, Code(err)
	}
	return scale, observation.OK
}

// ask asks all queries of the policy together. What has no answer within the
// interval comes too late.
func (m *autoscalerMemory) ask(ctx context.Context, source MetricSource, at time.Time) {
	m.queries, m.answers = m.queries[:0], m.answers[:0]
	for i := range m.policy.Metrics {
		m.queries = append(m.queries, Query{Namespace: m.name.Namespace, Source: m.policy.Metrics[i].Source, Text: m.policy.Metrics[i].Query})
		m.answers = append(m.answers, Answer{})
	}
	source.QueryAll(ctx, m.queries, at, time.Duration(m.grid.Interval)*time.Second, m.answers)
}

// SampleOf judges an answer.
func SampleOf(answer *Answer) autoscaler.Sample {
	result := &answer.Result
	switch {
	case answer.Err != nil:
		return autoscaler.Sample{Code: Code(answer.Err)}
	case result.Samples == 0:
		return autoscaler.Sample{Code: observation.Empty}
	case result.Samples > 1:
		return autoscaler.Sample{Code: observation.ManySeries}
	}
	// Judged here as well, so that a number that JSON cannot hold reaches
	// neither journal nor status where there is no scale to weigh it against.
	return autoscaler.Sample{Value: result.Value, Code: algorithm.Usable(result.Value)}
}

// actuate sets the target's count. On a conflict it reads again and retries
// only while the count is still the one that was decided upon.
func (a *Autoscalers) actuate(ctx context.Context, m *autoscalerMemory, s slot.Slot, scale Scale, replicas int32) *journal.Outcome {
	outcome := &journal.Outcome{Object: m.record.Object, Slot: s}
	from := scale.Spec
	for range attempts {
		err := a.Targets.Set(ctx, m.target, scale, replicas)
		if err == nil {
			outcome.Result = Applied
			return outcome
		}
		outcome.Result, m.cause = string(Code(err)), Sentence(err)
		if !errors.Is(err, ErrConflict) {
			return outcome
		}
		if scale, err = a.Targets.Get(ctx, m.target, time.Time{}); err != nil {
			outcome.Result = string(Code(err))
			return outcome
		}
		if scale.Spec != from {
			outcome.Result = Superseded
			return outcome
		}
	}
	return outcome
}

// Results of an actuation besides the observation codes.
const (
	Applied    = "Applied"
	Superseded = "Superseded" // somebody else changed the count first
)
