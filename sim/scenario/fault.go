package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A Fault is something that goes wrong for a time. Exactly one of Metrics,
// Controller, Target, Nodes and Queues says what.
type Fault struct {
	// Name names the fault in reports; what goes wrong if absent.
	Name string `json:"name,omitempty"`
	// At is when it begins; 0s if absent.
	At *Duration `json:"at,omitempty"`
	// For is how long it lasts; if absent, to the end, and for controller:
	// leaderChange 15s. A restart without it takes no time.
	For *Duration `json:"for,omitempty"`
	// Probability is that of each query, slot, command or boot in that time to
	// be hit, drawn under the seed; 1 if absent. Of faults of metrics, down and
	// slow take one: the others act on samples.
	Probability *float64 `json:"probability,omitempty"`
	// Object is the only one that is hit, as [NAMESPACE/]KIND/NAME: an
	// autoscaler, for target faults the object it scales, for nodes faults a
	// ScalableNodeGroup, for queues faults a MetricsProducer; controller:
	// conflicts and skipped hit any of our kinds. All if absent.
	Object string `json:"object,omitempty"`

	// Metrics says what goes wrong between Prometheus and a decision.
	Metrics MetricsFault `json:"metrics,omitempty"`
	// Delay is how much later samples arrive with metrics: late; 1m if absent.
	Delay Duration `json:"delay,omitzero"`
	// Fraction is the share of series that is missing with metrics: partial; 0.5 if absent.
	Fraction *float64 `json:"fraction,omitempty"`
	// Series is a selector of the only series that a fault of samples hits; if
	// absent, all that policies and rules read.
	Series string `json:"series,omitempty"`
	// Query is a part of the text of the only queries that are hit. If absent, all
	// are: faults of samples act on ingestion then.
	Query string `json:"query,omitempty"`

	// Controller says what goes wrong with the controller itself.
	Controller ControllerFault `json:"controller,omitempty"`
	// Target says what goes wrong with reading and writing a scale.
	Target TargetFault `json:"target,omitempty"`
	// Nodes says what goes wrong with a provider's node groups.
	Nodes NodesFault `json:"nodes,omitempty"`
	// Call is the only call of the provider that nodes: throttled, down and
	// forbidden hit: observe or resize; both if absent.
	Call NodesCall `json:"call,omitempty"`
	// Factor is how many times as long new nodes take to boot with nodes:
	// slowBoot, and Boot how long they take instead; exactly one of them.
	Factor *float64 `json:"factor,omitempty"`
	Boot   Delay    `json:"boot,omitzero"`
	// Count is how many nodes of each group nodes: lost and isolated hit, the
	// oldest first; 1 if absent.
	Count int32 `json:"count,omitempty"`
	// Queues says what goes wrong with reading a provider's queues.
	Queues QueuesFault `json:"queues,omitempty"`
}

// A MetricsFault says what goes wrong between Prometheus and a decision.
type MetricsFault string

// The faults of metrics.
const (
	MetricsDown       MetricsFault = "down"       // nobody answers
	MetricsSlow       MetricsFault = "slow"       // the answer comes after the timeout
	MetricsEmpty      MetricsFault = "empty"      // the series are gone
	MetricsNaN        MetricsFault = "nan"        // every value is NaN
	MetricsStale      MetricsFault = "stale"      // every value is the last one from before
	MetricsPartial    MetricsFault = "partial"    // a share of the series is gone
	MetricsDuplicated MetricsFault = "duplicated" // every series is there twice
	MetricsLate       MetricsFault = "late"       // samples arrive late
)

// A ControllerFault says what goes wrong with the controller.
type ControllerFault string

// The faults of the controller.
const (
	ControllerRestart      ControllerFault = "restart"      // all memory is lost
	ControllerLeaderChange ControllerFault = "leaderChange" // nobody decides until the lease is over
	ControllerConflicts    ControllerFault = "conflicts"    // somebody else has changed the autoscaler
	ControllerSkipped      ControllerFault = "skipped"      // slots pass without a decision
)

// A TargetFault says what goes wrong with a scale.
type TargetFault string

// The faults of targets.
const (
	TargetForbidden  TargetFault = "forbidden"  // writes are refused
	TargetConflict   TargetFault = "conflict"   // somebody else has changed the scale
	TargetTimeout    TargetFault = "timeout"    // writes are not answered and not done
	TargetUnreadable TargetFault = "unreadable" // reads fail
)

// A NodesFault says what goes wrong with a provider's node groups.
type NodesFault string

// The faults of node groups.
const (
	NodesThrottled  NodesFault = "throttled"  // calls are refused: too many of them
	NodesDown       NodesFault = "down"       // calls are not answered
	NodesForbidden  NodesFault = "forbidden"  // calls are refused: no permission
	NodesStockOut   NodesFault = "stockOut"   // no machine is to be had
	NodesSlowBoot   NodesFault = "slowBoot"   // new nodes take longer to become ready
	NodesFailedBoot NodesFault = "failedBoot" // new nodes never become ready
	NodesLost       NodesFault = "lost"       // ready nodes are gone at once
	NodesIsolated   NodesFault = "isolated"   // ready nodes lose the cluster for a while
	NodesLying      NodesFault = "lying"      // what is reported does not change any more
	NodesUpdating   NodesFault = "updating"   // no size is taken: the provider changes the group otherwise
	NodesSuspended  NodesFault = "suspended"  // sizes are taken, and no machine is launched or ended
)

// A NodesCall is a call of a provider of node groups.
type NodesCall string

// The calls of providers of node groups.
const (
	ObserveCall NodesCall = "observe" // reads a group
	ResizeCall  NodesCall = "resize"  // sets its size
)

// A QueuesFault says what goes wrong with reading a provider's queues.
type QueuesFault string

// The faults of queues.
const (
	QueuesThrottled QueuesFault = "throttled" // reads are refused: too many of them
	QueuesDown      QueuesFault = "down"      // reads are not answered
)

var (
	nodesFaults      = []NodesFault{NodesThrottled, NodesDown, NodesForbidden, NodesStockOut, NodesSlowBoot, NodesFailedBoot, NodesLost, NodesIsolated, NodesLying, NodesUpdating, NodesSuspended}
	queuesFaults     = []QueuesFault{QueuesThrottled, QueuesDown}
	metricsFaults    = []MetricsFault{MetricsDown, MetricsSlow, MetricsEmpty, MetricsNaN, MetricsStale, MetricsPartial, MetricsDuplicated, MetricsLate}
	controllerFaults = []ControllerFault{ControllerRestart, ControllerLeaderChange, ControllerConflicts, ControllerSkipped}
	targetFaults     = []TargetFault{TargetForbidden, TargetConflict, TargetTimeout, TargetUnreadable}
)

// LeaseDuration is how long a lease outlives its holder, as in
// controller-runtime.
const LeaseDuration = Duration(15 * time.Second)

func (v *validation) checkFaults() {
	names := map[string]string{}
	for i := range v.spec.Faults {
		f := &v.spec.Faults[i]
		at := index("spec.faults", i)
		v.checkFault(at, f)
		if f.Name == "" {
			continue
		}
		if first, twice := names[f.Name]; twice {
			v.fail(at+".name", "%q is taken by %s", f.Name, first)
		}
		names[f.Name] = at
	}
}

func (v *validation) checkFault(at string, f *Fault) {
	kinds := f.kinds()
	if len(kinds) != 1 {
		got := "none"
		if len(kinds) > 0 {
			got = strings.Join(kinds, ", ")
		}
		v.fail(at, "want exactly one of metrics, controller, target, nodes and queues; got %s", got)
		return
	}
	oneOf(v, at+".metrics", f.Metrics, metricsFaults)
	oneOf(v, at+".controller", f.Controller, controllerFaults)
	oneOf(v, at+".target", f.Target, targetFaults)
	oneOf(v, at+".nodes", f.Nodes, nodesFaults)
	oneOf(v, at+".queues", f.Queues, queuesFaults)
	if f.Call != "" && f.Call != ObserveCall && f.Call != ResizeCall {
		v.fail(at+".call", "unknown call %q; allowed: observe, resize", f.Call)
	}
	if f.Count < 0 {
		v.fail(at+".count", "want 1 or more, got %d", f.Count)
	}
	if f.At == nil && f.Probability == nil {
		v.fail(at, "want at, when it begins, or probability")
	}
	if f.At != nil && *f.At >= v.spec.Duration && v.spec.Duration > 0 {
		v.fail(at+".at", "%s is past the last decision; the run lasts %s", *f.At, v.spec.Duration)
	}
	if f.For != nil && *f.For == 0 {
		v.fail(at+".for", "must be more than 0s")
	}
	if f.Probability != nil && !(*f.Probability > 0 && *f.Probability <= 1) {
		v.fail(at+".probability", "want a number above 0, at most 1, got %v", *f.Probability)
	}
	if f.Fraction != nil && !(*f.Fraction > 0 && *f.Fraction <= 1) {
		v.fail(at+".fraction", "want a number above 0, at most 1, got %v", *f.Fraction)
	}
	v.checkFaultFields(at, f)
	if f.Object != "" {
		if ref, err := f.Reference(); err != nil {
			v.fail(at+".object", "%v", err)
		} else if f.Nodes != "" && ref.Kind != nodeGroupKind {
			v.fail(at+".object", "%s is no ScalableNodeGroup", ref)
		} else if f.Queues != "" && ref.Kind != producerKind {
			v.fail(at+".object", "%s is no MetricsProducer", ref)
		} else if f.Target == "" && f.Nodes == "" && f.Queues == "" && ref.Kind != autoscalerKind && !f.ofAnyKind(ref) {
			v.fail(at+".object", "%s is no HorizontalAutoscaler; want the autoscaler that is hit, not its target", ref)
		}
	}
	if f.Series != "" {
		if _, err := (fake.Features{}).Parser().ParseMetricSelector(f.Series); err != nil {
			v.fail(at+".series", "%q is no selector of series; want e.g. http_requests_total{service=\"web\"}", f.Series)
		}
	}
}

const (
	autoscalerKind = "HorizontalAutoscaler"
	nodeGroupKind  = "ScalableNodeGroup"
	producerKind   = "MetricsProducer"
)

// ofAnyKind says whether the fault hits an object of our other two kinds as well:
// they have stores and slots, too.
func (f *Fault) ofAnyKind(ref Reference) bool {
	return (f.Controller == ControllerConflicts || f.Controller == ControllerSkipped) && (ref.Kind == nodeGroupKind || ref.Kind == producerKind)
}

// Reference is the only object that is hit; kubectl's short names will do.
func (f *Fault) Reference() (Reference, error) { return ParseReference(f.Object) }

// checkFaultFields refuses fields that the fault would not heed.
func (v *validation) checkFaultFields(at string, f *Fault) {
	for _, field := range []struct {
		name    string
		belongs bool
		to      string
	}{
		{"delay", f.Metrics == MetricsLate, "metrics: late"},
		{"fraction", f.Metrics == MetricsPartial, "metrics: partial"},
		{"series", f.ofSamples(), "faults of samples"},
		{"factor", f.Nodes == NodesSlowBoot, "nodes: slowBoot"},
		{"boot", f.Nodes == NodesSlowBoot, "nodes: slowBoot"},
		{"call", f.Nodes == NodesThrottled || f.Nodes == NodesDown || f.Nodes == NodesForbidden, "nodes: throttled, nodes: down and nodes: forbidden"},
		{"count", f.Nodes == NodesLost || f.Nodes == NodesIsolated, "nodes: lost and nodes: isolated"},
		{"query", f.Metrics != "", "faults of metrics"},
	} {
		if !field.belongs && v.doc.Has(at+"."+field.name) {
			v.fail(at+"."+field.name, "belongs to %s", field.to)
		}
	}
	if f.Nodes == NodesSlowBoot {
		v.checkSlowBoot(at, f)
	}
	if f.Probability != nil && slices.Contains([]NodesFault{NodesStockOut, NodesLost, NodesIsolated, NodesLying, NodesUpdating, NodesSuspended}, f.Nodes) {
		v.fail(at+".probability", "nodes: %s hits neither calls nor boots: it takes no probability", f.Nodes)
	}
	if f.Nodes == NodesLost && f.For != nil {
		v.fail(at+".for", "nodes: lost takes no time: the nodes are gone at once")
	}
	if f.ofSamples() && f.Probability != nil {
		v.fail(at+".probability", "metrics: %s acts on samples, not on single answers: it takes no probability; metrics: down and slow do", f.Metrics)
	}
}

// ofSamples says whether the fault acts on samples, before PromQL.
func (f *Fault) ofSamples() bool {
	return f.Metrics != "" && f.Metrics != MetricsDown && f.Metrics != MetricsSlow
}

// checkSlowBoot wants one way to say how slow, and something to be slower than.
func (v *validation) checkSlowBoot(at string, f *Fault) {
	switch {
	case (f.Factor == nil) == f.Boot.IsZero():
		v.fail(at, "want exactly one of factor, e.g. 5, and boot, e.g. {p50: 5m, p95: 10m}")
	case f.Factor != nil && !(*f.Factor > 1 && *f.Factor <= 1000):
		v.fail(at+".factor", "want a number above 1, at most 1000, got %v", *f.Factor)
	case f.Factor != nil:
		for i := range v.spec.NodeGroups {
			g := &v.spec.NodeGroups[i]
			if ref, err := f.Reference(); (f.Object == "" || err == nil && ref == g.Reference()) && !g.Boot.IsZero() {
				return
			}
		}
		v.fail(at+".factor", "no node group that it hits has a boot delay to multiply; say boot instead")
	}
}

func oneOf[T ~string](v *validation, path string, got T, allowed []T) {
	if got == "" || slices.Contains(allowed, got) {
		return
	}
	var names []string
	for _, a := range allowed {
		names = append(names, string(a))
	}
	v.fail(path, "unknown fault %q; allowed: %s", string(got), strings.Join(names, ", "))
}

// kinds are the fields that say what goes wrong.
func (f *Fault) kinds() []string {
	var kinds []string
	for _, k := range []struct {
		name string
		set  bool
	}{{"metrics", f.Metrics != ""}, {"controller", f.Controller != ""}, {"target", f.Target != ""}, {"nodes", f.Nodes != ""}, {"queues", f.Queues != ""}} {
		if k.set {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

func (f *Fault) fillDefaults(i int) {
	if f.Name == "" {
		f.Name = fmt.Sprintf("%s %s", f.kinds()[0], string(f.Metrics)+string(f.Controller)+string(f.Target)+string(f.Nodes)+string(f.Queues))
		if i > 0 {
			f.Name += fmt.Sprintf(" (%d)", i+1)
		}
	}
	if (f.Nodes == NodesLost || f.Nodes == NodesIsolated) && f.Count == 0 {
		f.Count = 1
	}
	if f.Metrics == MetricsLate && f.Delay == 0 {
		f.Delay = Duration(time.Minute)
	}
	if f.Metrics == MetricsPartial && f.Fraction == nil {
		half := 0.5
		f.Fraction = &half
	}
	if f.Controller == ControllerLeaderChange && f.For == nil && f.Probability == nil {
		lease := LeaseDuration
		f.For = &lease
	}
}
