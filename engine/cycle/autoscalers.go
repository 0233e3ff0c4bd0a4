package cycle

import (
	"context"
	"errors"
	"sync"
	"time"

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

// attempts bounds how often one slot is decided again after a conflict.
const attempts = 3

// Autoscalers drives HorizontalAutoscalers. Calls for different objects may run
// concurrently; calls for one object must not.
type Autoscalers struct {
	Metrics MetricSource
	Targets ScaleTargets
	Store   Store
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
	// Rival names another owner of a target, or is empty; nil means there is none.
	Rival func(target TargetRef, self types.NamespacedName) string
	// Refresh is the least time in seconds between two writes of currentMetrics
	// alone.
	Refresh int64

	mu      sync.Mutex
	objects map[types.NamespacedName]*memory
}

// memory is what the driver knows of one autoscaler. Between two calls, state is
// what the store holds, decoded.
type memory struct {
	name types.NamespacedName

	// Of the spec.
	uid        types.UID
	generation int64
	compiled   bool
	policy     *policy.Autoscaler // nil where the spec is invalid
	invalid    string             // why
	encoded    string             // the policy's canonical JSON
	digest     string             // its digest
	target     TargetRef
	grid       slot.Grid
	created    slot.Slot

	// Of the store.
	loaded    bool
	version   string
	state     autoscaler.State
	text      string // the state's text form
	named     string // its digest
	published published
	status    v1alpha1.HorizontalAutoscalerStatus
	said      conditionsSource // what status.conditions were made of

	// Of the grid.
	last    slot.Slot // last decided slot
	decided bool      // whether there is one in this process

	rival string // who else acts on the target, as of the last slot

	// Reused from slot to slot.
	in     autoscaler.Input
	record journal.Record
}

// Reconcile decides the slot that now falls on, if it is due, and returns the
// next one. An error means that the slot was not decided for want of the store;
// it may be tried again until the next slot.
func (a *Autoscalers) Reconcile(ctx context.Context, now time.Time, object *v1alpha1.HorizontalAutoscaler) (slot.Slot, error) {
	m := a.memory(types.NamespacedName{Namespace: object.Namespace, Name: object.Name})
	at := slot.At(now)
	for range attempts {
		a.compile(m, object)
		if err := a.load(ctx, m, at); err != nil {
			return m.grid.Next(at), err
		}
		due := m.grid.Of(at)
		if !a.due(m, due) {
			return m.grid.Next(at), nil
		}
		err := a.decide(ctx, m, due)
		if !errors.Is(err, ErrConflict) {
			return m.grid.Next(at), err
		}
		// Somebody else wrote the object: what they wrote may change the decision.
		stored, err := a.Store.Load(ctx, m.name)
		if err != nil {
			return m.grid.Next(at), err
		}
		object = stored.Object
	}
	return m.grid.Next(at), ErrConflict
}

// Forget drops what the driver knows of an object that is gone.
func (a *Autoscalers) Forget(name types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.objects, name)
}

func (a *Autoscalers) memory(name types.NamespacedName) *memory {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.objects[name]
	if m == nil {
		if a.objects == nil {
			a.objects = map[types.NamespacedName]*memory{}
		}
		m = &memory{name: name}
		m.record.Object = journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: name.Namespace, Name: name.Name}
		a.objects[name] = m
	}
	return m
}

// compile turns the spec into a policy, once a generation. An older generation
// comes from a cache that lags behind a load.
func (a *Autoscalers) compile(m *memory, object *v1alpha1.HorizontalAutoscaler) {
	if m.compiled && m.uid == object.UID && object.Generation <= m.generation {
		return
	}
	if m.uid != object.UID {
		m.loaded, m.decided = false, false
	}
	m.compiled, m.uid, m.generation = true, object.UID, object.Generation
	m.created = slot.At(object.CreationTimestamp.Time)
	interval := int32(policy.DefaultInterval)
	compiled, errs := policy.CompileAutoscaler(&object.Spec, field.NewPath("spec"))
	m.policy, m.invalid, m.encoded, m.digest = compiled, "", "", ""
	if errs != nil {
		m.invalid = errs.ToAggregate().Error()
	} else {
		compiled.DryRun = compiled.DryRun || a.DryRun
		interval = compiled.Interval
		encoded := compiled.Encode()
		m.encoded, m.digest = string(encoded), policy.Digest(encoded)
		m.target = TargetRef{compiled.Target.APIVersion, compiled.Target.Kind, m.name.Namespace, compiled.Target.Name}
	}
	m.grid = slot.Grid{Interval: interval, Phase: a.phase(m.name, interval)}
}

func (a *Autoscalers) phase(name types.NamespacedName, interval int32) int32 {
	if a.Phase != nil {
		return a.Phase(name, interval)
	}
	return slot.Phase(journal.HorizontalAutoscaler, name.Namespace, name.Name, interval)
}

// load reads the state once; from then on the driver's memory is the truth.
func (a *Autoscalers) load(ctx context.Context, m *memory, now slot.Slot) error {
	if m.loaded {
		return nil
	}
	stored, err := a.Store.Load(ctx, m.name)
	if err != nil {
		return err
	}
	a.compile(m, stored.Object)
	m.version = stored.Version
	stored.Object.Status.DeepCopyInto(&m.status)
	m.said = conditionsSource{}
	if err := m.restore(m.status.State); err != nil {
		// A state that cannot be read is one that was never written: the first
		// sight of the current count holds against any scale-down.
		m.restore("")
	}
	m.published = publishedOf(&m.status)
	m.loaded = true
	a.resend(ctx, m, now)
	return nil
}

// restore sets the state from its text form.
func (m *memory) restore(text string) error {
	m.text, m.named = text, journal.Digest([]byte(text))
	return m.state.UnmarshalText([]byte(text))
}

// resend repeats a command that a crash may have kept from the target: it was
// committed, less than one interval has passed, and the count has not moved.
func (a *Autoscalers) resend(ctx context.Context, m *memory, now slot.Slot) {
	last := m.state.Last
	if m.policy == nil || m.policy.DryRun || !last.Pending() || now-last.Slot >= slot.Slot(m.grid.Interval) {
		return
	}
	scale, err := a.Targets.Get(ctx, m.target)
	if err != nil || scale.Spec != last.From {
		return
	}
	a.Journal.Outcome(a.actuate(ctx, m, last.Slot, scale, last.To))
}

// due says whether a slot is this driver's to decide.
func (a *Autoscalers) due(m *memory, s slot.Slot) bool {
	if s <= a.Since || s < m.created || m.decided && s <= m.last {
		return false
	}
	return !m.state.Decided() || s > m.state.Slot()
}

// decide takes one slot from observation to actuation.
func (a *Autoscalers) decide(ctx context.Context, m *memory, s slot.Slot) error {
	scale, d := a.step(ctx, m, s)
	if err := a.commit(ctx, m, s, &d); err != nil {
		// Not committed is not decided, unless only the answer was lost: the
		// store knows.
		m.loaded = false
		return err
	}
	m.record.Missed = 0
	if m.decided {
		m.record.Missed = m.grid.Between(m.last, s)
	}
	m.last, m.decided = s, true
	var outcome *journal.Outcome
	if d.Known && d.Desired != scale.Spec && !m.policy.DryRun {
		outcome = a.actuate(ctx, m, s, scale, d.Desired)
	}
	a.Journal.Record(&m.record)
	if outcome != nil {
		a.Journal.Outcome(outcome)
	}
	return nil
}

// step observes and decides, and fills in the record.
func (a *Autoscalers) step(ctx context.Context, m *memory, s slot.Slot) (Scale, autoscaler.Decision) {
	r := &m.record
	r.Generation, r.Slot = m.generation, s
	r.Policy, r.PolicyBody = m.digest, m.encoded
	r.Prev, r.StateBody, r.State = m.named, m.text, m.named
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

// observe asks the target for its scale and Prometheus for every metric.
func (a *Autoscalers) observe(ctx context.Context, m *memory, s slot.Slot) Scale {
	scale, code := a.scale(ctx, m)
	m.in.Slot = s
	m.in.Scale = autoscaler.Scale{Spec: scale.Spec, Status: scale.Status, Code: code}
	m.in.Metrics = m.in.Metrics[:0]
	m.record.Scale = m.in.Scale
	m.record.Metrics = m.record.Metrics[:0]
	at := s.Time().Add(-a.QueryOffset)
	for i := range m.policy.Metrics {
		query := m.policy.Metrics[i].Query
		sample := a.sample(ctx, query, at)
		m.in.Metrics = append(m.in.Metrics, sample)
		m.record.Metrics = append(m.record.Metrics, journal.Metric{
			Query: query, At: slot.At(at), Value: sample.Value, Code: sample.Code,
		})
	}
	return scale
}

func (a *Autoscalers) scale(ctx context.Context, m *memory) (Scale, observation.Code) {
	if m.rival = ""; a.Rival != nil {
		m.rival = a.Rival(m.target, m.name)
	}
	if m.rival != "" {
		return Scale{}, observation.Contested
	}
	scale, err := a.Targets.Get(ctx, m.target)
	if err != nil {
		return Scale{}, Code(err)
	}
	return scale, observation.OK
}

func (a *Autoscalers) sample(ctx context.Context, query string, at time.Time) autoscaler.Sample {
	result, err := a.Metrics.Query(ctx, query, at)
	switch {
	case err != nil:
		return autoscaler.Sample{Code: Code(err)}
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
func (a *Autoscalers) actuate(ctx context.Context, m *memory, s slot.Slot, scale Scale, replicas int32) *journal.Outcome {
	outcome := &journal.Outcome{Object: m.record.Object, Slot: s}
	from := scale.Spec
	for range attempts {
		err := a.Targets.Set(ctx, m.target, scale, replicas)
		if err == nil {
			outcome.Result = Applied
			return outcome
		}
		outcome.Result = string(Code(err))
		if !errors.Is(err, ErrConflict) {
			return outcome
		}
		if scale, err = a.Targets.Get(ctx, m.target); err != nil {
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
