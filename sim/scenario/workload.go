package scenario

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// A Workload is an object with a scale subresource whose replicas serve a
// demand. Demand and capacity have the same unit a second: requests, messages.
type Workload struct {
	// APIVersion is e.g. apps/v1; it may be absent for the kinds of apps/v1.
	APIVersion string `json:"apiVersion,omitempty"`
	// Kind is Deployment if absent.
	Kind string `json:"kind,omitempty"`
	// Namespace is default if absent.
	Namespace string `json:"namespace,omitempty"`
	// Name is the object's name. Required.
	Name string `json:"name"`
	// Replicas is spec.replicas at the start; if absent, the larger of 1 and the
	// autoscaler's minReplicas.
	Replicas *int32 `json:"replicas,omitempty"`
	// Demand is the sum of its terms, a second; never less than 0. Required.
	Demand []Term `json:"demand"`
	// CapacityPerReplica is the amount that one replica serves a second at full use of its
	// cpu request. Required.
	CapacityPerReplica float64 `json:"capacityPerReplica"`
	// Saturation is how much more than CapacityPerReplica a replica serves at
	// most, as a factor; 1 if absent.
	Saturation *float64 `json:"saturation,omitempty"`
	// Startup is how long a new pod takes to become ready once it has a place; 0s if absent.
	Startup Delay `json:"startup,omitzero"`
	// Queue has what cannot be served at once wait; if absent, it is refused.
	Queue *Backlog `json:"queue,omitempty"`
	// ServiceTime is how long a served request takes besides waiting;
	// {p50: 50ms, p95: 200ms} if absent.
	ServiceTime Delay `json:"serviceTime,omitzero"`
	// Requests are the resources that each pod requests.
	Requests Requests `json:"requests,omitzero"`
	// NodeSelector are the labels of the nodes that can run its pods.
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// Labels are added to the series about requests and the queue.
	Labels map[string]string `json:"labels,omitempty"`
	// Rollouts replace all pods at instants of the run.
	Rollouts []Rollout `json:"rollouts,omitempty"`
	// PricePerHour is that of a replica, in any currency.
	PricePerHour float64 `json:"pricePerHour,omitempty"`
	// Billing says which time of a replica is paid; exactly that in which it is there if absent.
	Billing Billing `json:"billing,omitzero"`
}

// A Term is one part of a demand; exactly one field is set.
type Term struct {
	// Constant is there all the time.
	Constant *float64 `json:"constant,omitempty"`
	// Step changes the demand at once.
	Step *Step `json:"step,omitempty"`
	// Ramp changes it steadily.
	Ramp *Ramp `json:"ramp,omitempty"`
	// Spike rises, stays and falls.
	Spike *Spike `json:"spike,omitempty"`
	// Sine swings about 0.
	Sine *Sine `json:"sine,omitempty"`
	// Noise multiplies the sum of all other terms.
	Noise *Noise `json:"noise,omitempty"`
	// Expr is PromQL over inputSeries and recordings, evaluated at every scrape
	// interval. A gap keeps the last value.
	Expr string `json:"expr,omitempty"`
	// Recorded reconstructs the demand from what a recording says of the
	// replicas that served it.
	Recorded *RecordedDemand `json:"recorded,omitempty"`
}

// A RecordedDemand is reconstructed: utilization x replicas x
// capacityPerReplica, and what the queue grew by. All are PromQL over
// inputSeries and recordings, evaluated at every scrape interval.
type RecordedDemand struct {
	// Utilization is the mean use of a replica's capacity, as a ratio. Required.
	Utilization string `json:"utilization"`
	// Replicas is how many replicas served. Required.
	Replicas string `json:"replicas"`
	// Queue is how much waited; absent where nothing did.
	Queue string `json:"queue,omitempty"`
	// Saturated is the utilization from which on the demand may have been more
	// than was served, where there is no queue to tell; 0.95 if absent.
	Saturated *float64 `json:"saturated,omitempty"`
}

// A Step adds By from At on.
type Step struct {
	By float64  `json:"by"`
	At Duration `json:"at"`
	// For is how long; to the end if absent.
	For *Duration `json:"for,omitempty"`
}

// A Ramp adds a share of By that grows from 0 at At to all of it after Over.
type Ramp struct {
	By   float64  `json:"by"`
	At   Duration `json:"at"`
	Over Duration `json:"over"`
}

// A Spike adds By: it rises for Rise from At on, stays for For and falls for Fall.
type Spike struct {
	By   float64  `json:"by"`
	At   Duration `json:"at"`
	Rise Duration `json:"rise,omitzero"`
	For  Duration `json:"for,omitzero"`
	Fall Duration `json:"fall,omitzero"`
}

// A Sine adds Amplitude at Peak and every Period after, and takes it away half
// a period later.
type Sine struct {
	Amplitude float64  `json:"amplitude"`
	Period    Duration `json:"period"`
	Peak      Duration `json:"peak,omitzero"`
}

// Noise is drawn from a normal distribution.
type Noise struct {
	// Percent is the standard deviation.
	Percent float64 `json:"percent"`
	// Every is how long a draw lasts; 15s if absent.
	Every Duration `json:"every,omitzero"`
}

// A Backlog is where demand waits, first come first served.
type Backlog struct {
	// Limit is how much may wait; what comes on top is refused. No limit if absent.
	Limit *float64 `json:"limit,omitempty"`
	// Timeout is after how long what waits is given up. Never if absent.
	Timeout *Duration `json:"timeout,omitempty"`
	// Initial waits already at the start.
	Initial float64 `json:"initial,omitempty"`
}

// Requests has the resources that one pod requests.
type Requests struct {
	CPU    *resource.Quantity `json:"cpu,omitempty"`
	Memory *resource.Quantity `json:"memory,omitempty"`
}

// List is the requests by resource.
func (r Requests) List() corev1.ResourceList {
	list := corev1.ResourceList{}
	if r.CPU != nil {
		list[corev1.ResourceCPU] = *r.CPU
	}
	if r.Memory != nil {
		list[corev1.ResourceMemory] = *r.Memory
	}
	return list
}

// ScaleTargets are all objects with a scale subresource that the scenario
// itself declares: the targets and the workloads.
func (s *Spec) ScaleTargets() []Target {
	all := append([]Target(nil), s.Targets...)
	for i := range s.Workloads {
		all = append(all, s.Workloads[i].Target())
	}
	return all
}

// Target is the workload's object.
func (w *Workload) Target() Target {
	return Target{
		APIVersion: w.APIVersion, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name, Replicas: w.Replicas,
		PricePerHour: w.PricePerHour, Billing: w.Billing,
	}
}
