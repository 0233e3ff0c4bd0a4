package cycle

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A StoredNodeGroup is a ScalableNodeGroup as its store has it.
type StoredNodeGroup struct {
	Object *v1alpha1.ScalableNodeGroup
	// Version is the resourceVersion that the next write must carry.
	Version string
}

// A NodeGroupStore keeps the ScalableNodeGroups. The status holds the state, so
// a commit is the decision.
type NodeGroupStore interface {
	// Load reads the object itself, past any cache. It returns ErrNotFound once
	// the object is gone.
	Load(ctx context.Context, name types.NamespacedName) (StoredNodeGroup, error)
	// Commit replaces the status on condition that the object still has the
	// version, and returns the new one; otherwise it returns ErrConflict. The
	// status must not be kept.
	Commit(ctx context.Context, name types.NamespacedName, version string, status *v1alpha1.ScalableNodeGroupStatus) (string, error)
	// Adopt writes an absent spec.replicas on the same condition, and returns
	// the object as it then is.
	Adopt(ctx context.Context, name types.NamespacedName, version string, replicas int32) (StoredNodeGroup, error)
}

// ScalableNodeGroups drives ScalableNodeGroups, as Autoscalers drives its kind.
// Calls for different objects may run concurrently; calls for one object must not.
type ScalableNodeGroups struct {
	// Providers are the providers by spec.type. It must not change.
	Providers map[string]NodeGroups
	Store     NodeGroupStore
	Journal   Journal
	// DryRun holds every group in dry run, whatever its spec says.
	DryRun bool
	// Phase places an object on the grid of its interval; nil means slot.Phase.
	Phase func(name types.NamespacedName, interval int32) int32
	// Since is the last instant before this driver was in charge: only later
	// slots are decided.
	Since slot.Slot

	mu      sync.Mutex
	objects map[types.NamespacedName]*groupMemory
}

// groupMemory is what the driver knows of one node group. Between two calls,
// state is what the store holds, decoded.
type groupMemory struct {
	name types.NamespacedName

	// Of the spec.
	uid        types.UID
	generation int64
	compiled   bool
	policy     *policy.NodeGroup // nil where the spec is invalid
	invalid    string            // why
	encoded    string            // the policy's canonical JSON
	digest     string            // its digest
	replicas   *int32            // spec.replicas
	grid       slot.Grid
	created    slot.Slot

	// Of the store.
	loaded  bool
	version string
	state   nodegroup.State
	text    string // the state's text form
	named   string // its digest
	status  v1alpha1.ScalableNodeGroupStatus

	// Of the grid.
	last    slot.Slot // last decided slot
	decided bool      // whether there is one in this process

	// Of the last slot.
	in      nodegroup.Input
	message string // the provider's words on its trouble
	record  journal.Record
}

// Reconcile decides the slot that now falls on, if it is due, and returns the
// next one. An error means that the slot was not decided for want of the store;
// it may be tried again until the next slot.
func (n *ScalableNodeGroups) Reconcile(ctx context.Context, now time.Time, object *v1alpha1.ScalableNodeGroup) (slot.Slot, error) {
	m := n.memory(types.NamespacedName{Namespace: object.Namespace, Name: object.Name})
	at := slot.At(now)
	for range attempts {
		n.compile(m, object)
		if err := n.load(ctx, m); err != nil {
			return m.grid.Next(at), err
		}
		due := m.grid.Of(at)
		if !n.due(m, due) {
			return m.grid.Next(at), nil
		}
		err := n.decide(ctx, m, due)
		if !errors.Is(err, ErrConflict) {
			return m.grid.Next(at), err
		}
		// Somebody else wrote the object: what they wrote may change the decision.
		stored, err := n.Store.Load(ctx, m.name)
		if err != nil {
			return m.grid.Next(at), err
		}
		object = stored.Object
	}
	return m.grid.Next(at), ErrConflict
}

// Forget drops what the driver knows of an object that is gone.
func (n *ScalableNodeGroups) Forget(name types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.objects, name)
}

func (n *ScalableNodeGroups) memory(name types.NamespacedName) *groupMemory {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.objects[name]
	if m == nil {
		if n.objects == nil {
			n.objects = map[types.NamespacedName]*groupMemory{}
		}
		m = &groupMemory{name: name}
		m.record.Object = journal.Object{Kind: journal.ScalableNodeGroup, Namespace: name.Namespace, Name: name.Name}
		n.objects[name] = m
	}
	return m
}

// compile turns the spec into a policy, once a generation. An older generation
// comes from a cache that lags behind a load.
func (n *ScalableNodeGroups) compile(m *groupMemory, object *v1alpha1.ScalableNodeGroup) {
	if m.compiled && m.uid == object.UID && object.Generation <= m.generation {
		return
	}
	if m.uid != object.UID {
		m.loaded, m.decided = false, false
	}
	m.compiled, m.uid, m.generation = true, object.UID, object.Generation
	m.created = slot.At(object.CreationTimestamp.Time)
	m.grid = slot.Grid{Interval: policy.NodeGroupInterval, Phase: n.phase(m.name, policy.NodeGroupInterval)}
	m.replicas = nil
	if object.Spec.Replicas != nil {
		replicas := *object.Spec.Replicas
		m.replicas = &replicas
	}
	compiled, errs := policy.CompileNodeGroup(&object.Spec, field.NewPath("spec"))
	if errs == nil && n.Providers[compiled.Type] == nil {
		errs = append(errs, field.NotSupported(field.NewPath("spec", "type"), compiled.Type, slices.Sorted(maps.Keys(n.Providers))))
	}
	m.policy, m.invalid, m.encoded, m.digest = nil, "", "", ""
	if errs != nil {
		m.invalid = errs.ToAggregate().Error()
		return
	}
	compiled.DryRun = compiled.DryRun || n.DryRun
	encoded := compiled.Encode()
	m.policy, m.encoded, m.digest = compiled, string(encoded), policy.Digest(encoded)
}

func (n *ScalableNodeGroups) phase(name types.NamespacedName, interval int32) int32 {
	if n.Phase != nil {
		return n.Phase(name, interval)
	}
	return slot.Phase(journal.ScalableNodeGroup, name.Namespace, name.Name, interval)
}

// load reads the state once; from then on the driver's memory is the truth.
func (n *ScalableNodeGroups) load(ctx context.Context, m *groupMemory) error {
	if m.loaded {
		return nil
	}
	stored, err := n.Store.Load(ctx, m.name)
	if err != nil {
		return err
	}
	n.compile(m, stored.Object)
	m.version = stored.Version
	m.status = v1alpha1.ScalableNodeGroupStatus{}
	stored.Object.Status.DeepCopyInto(&m.status)
	m.text = m.status.State
	if err := m.state.UnmarshalText([]byte(m.text)); err != nil {
		// A state that cannot be read is one that was never written: a command
		// may be repeated, which sets the same size again.
		m.state, m.text = nodegroup.State{}, ""
	}
	m.named = journal.Digest([]byte(m.text))
	m.loaded = true
	return nil
}

// due says whether a slot is this driver's to decide.
func (n *ScalableNodeGroups) due(m *groupMemory, s slot.Slot) bool {
	if s <= n.Since || s < m.created || m.decided && s <= m.last {
		return false
	}
	return s > m.state.Slot
}

// decide takes one slot from observation to actuation. A command that a crash
// kept from the provider is not seen to land, so the next slot repeats it.
func (n *ScalableNodeGroups) decide(ctx context.Context, m *groupMemory, s slot.Slot) error {
	d := n.step(ctx, m, s)
	if err := n.commit(ctx, m, s, &d); err != nil {
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
	if d.Command && !m.policy.DryRun {
		outcome = n.actuate(ctx, m, s, &d)
	}
	n.Journal.Record(&m.record)
	if outcome != nil {
		n.Journal.Outcome(outcome)
	}
	if d.Adopt && !m.policy.DryRun {
		n.adopt(ctx, m, d.Wanted)
	}
	return nil
}

// step decides a slot from what is observed.
func (n *ScalableNodeGroups) step(ctx context.Context, m *groupMemory, s slot.Slot) nodegroup.Decision {
	r := &m.record
	r.Generation, r.Slot = m.generation, s
	r.Policy, r.PolicyBody = m.digest, m.encoded
	r.Prev, r.StateBody, r.State = m.named, m.text, m.named
	if m.policy == nil {
		r.Observed, r.Command, r.DryRun = r.Observed[:0], nil, false
		r.Reason = autoscaler.InvalidPolicy
		return nodegroup.Decision{Reason: autoscaler.InvalidPolicy}
	}
	n.observe(ctx, m, s)
	var d nodegroup.Decision
	m.state, d = nodegroup.Step(m.policy, m.state, &m.in)
	r.DecideGroup(m.policy, &m.in, &d, observation.OK)
	return d
}

// observe asks the provider for the group.
func (n *ScalableNodeGroups) observe(ctx context.Context, m *groupMemory, s slot.Slot) {
	m.in = nodegroup.Input{Name: m.name.String(), Generation: m.generation, Slot: s, Spec: m.replicas}
	group, err := n.Providers[m.policy.Type].Observe(ctx, m.ref())
	if err != nil {
		m.in.Group, m.message = nodegroup.Group{Code: Code(err)}, ""
		return
	}
	m.in.Group = nodegroup.Group{
		Desired: group.Desired, Ready: group.Ready, Min: group.Min, Max: max(group.Max, -1), Trouble: group.Code,
	}
	m.message = sayable(group.Message)
}

// maxMessageBytes is what is kept of a provider's words.
const maxMessageBytes = 1024

// sayable makes a provider's words fit for a condition, which the API server
// would otherwise refuse together with the decision.
func sayable(message string) string {
	message = strings.ToValidUTF8(message, "?")
	if len(message) > maxMessageBytes {
		message = strings.ToValidUTF8(message[:maxMessageBytes], "")
	}
	return message
}

func (m *groupMemory) ref() NodeGroupRef { return NodeGroupRef{Type: m.policy.Type, ID: m.policy.ID} }

// actuate sets the provider's desired size. What it is refused with is committed
// too, because it decides when the next attempt may be made.
func (n *ScalableNodeGroups) actuate(ctx context.Context, m *groupMemory, s slot.Slot, d *nodegroup.Decision) *journal.Outcome {
	outcome := &journal.Outcome{Object: m.record.Object, Slot: s, Result: Applied}
	err := n.Providers[m.policy.Type].Resize(ctx, m.ref(), d.Wanted)
	if err == nil {
		return outcome
	}
	code := Code(err)
	outcome.Result = string(code)
	before := m.state
	m.state = m.state.Failed(m.in.Name, code)
	d.Failure, d.Changed = code, true
	if err := n.commit(ctx, m, s, d); err != nil {
		// The store keeps the command as one that merely has not landed.
		m.state, m.loaded = before, false
		return outcome
	}
	m.record.DecideGroup(m.policy, &m.in, d, code)
	return outcome
}

// adopt writes an absent spec.replicas, so that the scale subresource answers.
// Where that fails, the next slot tries again.
func (n *ScalableNodeGroups) adopt(ctx context.Context, m *groupMemory, replicas int32) {
	stored, err := n.Store.Adopt(ctx, m.name, m.version, replicas)
	if err != nil {
		m.loaded = false
		return
	}
	m.version = stored.Version
	n.compile(m, stored.Object)
}
