package nodegroup

import "github.com/karpenter-sim/karpenter/engine/observation"

// The names of the series that show a ScalableNodeGroup. Their labels are its
// namespace and name; Trouble has a code besides, Failures a call and a code.
const (
	SpecReplicas    = "karpenter_scalablenodegroup_spec_replicas"
	DesiredReplicas = "karpenter_scalablenodegroup_desired_replicas"
	ReadyReplicas   = "karpenter_scalablenodegroup_ready_replicas"
	MinReplicas     = "karpenter_scalablenodegroup_min_replicas"
	MaxReplicas     = "karpenter_scalablenodegroup_max_replicas"
	Trouble         = "karpenter_scalablenodegroup_trouble"
	Failures        = "karpenter_scalablenodegroup_failures_total"
)

// The calls of a provider that can fail.
const (
	ObserveCall = "observe"
	ResizeCall  = "resize"
)

// GaugeNames are the names of the gauges, in the order of Gauges.
func GaugeNames() []string {
	return []string{SpecReplicas, DesiredReplicas, ReadyReplicas, MinReplicas, MaxReplicas}
}

// Gauges are the counts that an input shows, by name. What it does not know is not
// there, so that a series ends rather than freezes.
func (in *Input) Gauges() map[string]float64 {
	gauges := map[string]float64{}
	if in.Spec != nil {
		gauges[SpecReplicas] = float64(*in.Spec)
	}
	group := &in.Group
	if group.Usable() != observation.OK {
		return gauges
	}
	gauges[DesiredReplicas], gauges[ReadyReplicas] = float64(group.Desired), float64(group.Ready)
	gauges[MinReplicas] = float64(group.Min)
	if group.Max >= 0 {
		gauges[MaxReplicas] = float64(group.Max)
	}
	return gauges
}

// Help is the help text of a series.
func Help(name string) string {
	switch name {
	case SpecReplicas:
		return "Nodes that a ScalableNodeGroup asks for, as in spec.replicas."
	case DesiredReplicas:
		return "Nodes that the provider of a ScalableNodeGroup works towards, as in status.desiredReplicas."
	case ReadyReplicas:
		return "Ready nodes of a ScalableNodeGroup, as in status.replicas."
	case MinReplicas:
		return "The provider's own minimum for a ScalableNodeGroup."
	case MaxReplicas:
		return "The provider's own maximum for a ScalableNodeGroup, where it has one."
	case Trouble:
		return "1 while the provider says that a ScalableNodeGroup is not as it should be, by code."
	}
	return "Failed calls of the provider of a ScalableNodeGroup by call (observe, resize) and code."
}
