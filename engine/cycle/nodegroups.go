package cycle

import (
	"context"
	"strings"
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

// A NodeGroupStore keeps the ScalableNodeGroups.
type NodeGroupStore interface {
	Store[*v1alpha1.ScalableNodeGroup, v1alpha1.ScalableNodeGroupStatus]
	// Adopt writes an absent spec.replicas on the same condition, and returns
	// the object as it then is.
	Adopt(ctx context.Context, name types.NamespacedName, version string, replicas int32) (Stored[*v1alpha1.ScalableNodeGroup], error)
}

// ScalableNodeGroups drives ScalableNodeGroups, as Autoscalers drives its kind.
// Calls for different objects may run concurrently; calls for one object must not.
type ScalableNodeGroups struct {
	// Providers are the providers by spec.type. It must not change.
	Providers map[string]NodeGroups
	// Namespaces says whose objects may name a provider's node groups. For an
	// object of another one no provider is ever called.
	Namespaces Namespaces
	Store      NodeGroupStore
	Journal    Journal
	// DryRun holds every group in dry run, whatever its spec says.
	DryRun bool
	// Phase places an object on the grid of its interval; nil means slot.Phase.
	Phase func(name types.NamespacedName, interval int32) int32
	// Since is the last instant before this driver was in charge: only later
	// slots are decided.
	Since slot.Slot

	objects memories[*groupMemory]
}

// groupMemory holds what the driver knows of one node group; its state is what the
// store holds, decoded.
type groupMemory struct {
	objectMemory

	policy   *policy.NodeGroup // nil where the spec is invalid
	replicas *int32            // spec.replicas
	state    nodegroup.State
	status   v1alpha1.ScalableNodeGroupStatus

	// Of the last slot.
	in      nodegroup.Input
	message string // the provider's words on its issue with the group
	cause   string // the provider's words on a call that failed
}

// Reconcile decides the slot that now falls on, if it is due, and returns the
// next one. An error means that the slot was not decided for want of the store;
// it may be tried again until the next slot.
func (n *ScalableNodeGroups) Reconcile(ctx context.Context, now time.Time, object *v1alpha1.ScalableNodeGroup) (slot.Slot, error) {
	m := n.objects.of(journal.ScalableNodeGroup, object, func() *groupMemory { return &groupMemory{} })
	return reconcile(ctx, now, n.Since, object, m, n.Store, n)
}

// Forget drops what the driver knows of an object that is gone.
func (n *ScalableNodeGroups) Forget(name types.NamespacedName) { n.objects.forget(name) }

// compile implements steps.
func (n *ScalableNodeGroups) compile(m *groupMemory, object *v1alpha1.ScalableNodeGroup) {
	m.grid = slot.Grid{Interval: policy.NodeGroupInterval, Phase: phase(n.Phase, journal.ScalableNodeGroup, m.name, policy.NodeGroupInterval)}
	m.replicas = nil
	if object.Spec.Replicas != nil {
		replicas := *object.Spec.Replicas
		m.replicas = &replicas
	}
	compiled, errs := policy.CompileNodeGroup(&object.Spec, field.NewPath("spec"))
	if errs == nil && n.Providers[compiled.Type] == nil {
		errs = append(errs, unprovided(field.NewPath("spec", "type"), compiled.Type, n.Providers))
	}
	if errs == nil && !n.Namespaces.Allow(m.name.Namespace) {
		errs = append(errs, n.Namespaces.forbid(field.NewPath("spec", "id"), m.name.Namespace, "node group", "--node-group-namespaces"))
	}
	m.policy = nil
	if errs != nil {
		m.invalid = errs.ToAggregate().Error()
		return
	}
	compiled.DryRun = compiled.DryRun || n.DryRun
	m.policy = compiled
	m.setPolicy(compiled.Encode())
}

// load implements steps.
func (n *ScalableNodeGroups) load(_ context.Context, m *groupMemory, object *v1alpha1.ScalableNodeGroup, _ slot.Slot) {
	m.status = v1alpha1.ScalableNodeGroupStatus{}
	object.Status.DeepCopyInto(&m.status)
	m.restore(m.status.State)
	if err := m.state.UnmarshalText([]byte(m.text)); err != nil {
		// A state that cannot be read is one that was never written: a command
		// may be repeated, which sets the same size again.
		m.restore("")
		m.state = nodegroup.State{}
	}
}

// latest implements steps.
func (n *ScalableNodeGroups) latest(m *groupMemory) slot.Slot { return m.state.Slot }

// begin implements steps.
func (n *ScalableNodeGroups) begin(ctx context.Context, m *groupMemory, s slot.Slot, why string) error {
	m.status.State, m.status.Reason = "", StateReset
	reset(&m.status.Conditions, s, m.generation, why)
	version, err := n.Store.Commit(ctx, m.name, m.version, &m.status)
	if err != nil {
		return err
	}
	m.version, m.state = version, nodegroup.State{}
	return nil
}

// journal implements steps.
func (n *ScalableNodeGroups) journal() Journal { return n.Journal }

// decide implements steps. A command that a crash kept from the provider is not
// seen to land, so the next slot repeats it.
func (n *ScalableNodeGroups) decide(ctx context.Context, m *groupMemory, s slot.Slot) error {
	d := n.step(ctx, m, s)
	if err := n.commit(ctx, m, s, &d); err != nil {
		// Not committed is not decided, unless only the answer was lost: the
		// store knows.
		m.loaded = false
		return err
	}
	m.pass(s)
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
	m.open(s)
	r := &m.record
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
		m.in.Group, m.message, m.cause = nodegroup.Group{Code: Code(err)}, "", Sentence(err)
		return
	}
	m.in.Group = nodegroup.Group{
		Desired: group.Desired, Ready: group.Ready, Min: group.Min, Max: max(group.Max, -1), Issue: group.Code,
	}
	m.message = sayable(group.Message)
}

// maxMessageBytes is the most that is kept of a provider's words.
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
	m.cause = Sentence(err)
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
	compile(m, stored.Object, n)
}
