package whatif

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Reconsidered is how long, in seconds, a scale-down counts as too early.
const Reconsidered = 15 * 60

// lift returns what lifts a limit, nil where nothing does.
func (s *subject) lift(l result.Limit) *lift {
	p := s.autoscaler.Policy
	switch l {
	case result.MaxReplicas:
		return s.bound(s.unbounded())
	case result.RatePolicies:
		if p.Algorithm == policy.HPAWithoutBehavior {
			return s.assign(l, 0, "spec.behavior.algorithm=null")
		}
		return s.assign(l, 0, "spec.behavior.scaleUp.policies=null", "spec.behavior.scaleUp.selectPolicy=null")
	case result.ScaleUpWindow:
		return s.assign(l, 0, "spec.behavior.scaleUp.stabilizationWindowSeconds=0")
	case result.ScaleDownWindow:
		window := min(Reconsidered, policy.MaxIntervals*p.Interval)
		if window <= p.Down.Window {
			return nil
		}
		return s.assign(l, float64(window), fmt.Sprintf("spec.behavior.scaleDown.stabilizationWindowSeconds=%d", window))
	case result.UpTolerance:
		return s.assign(l, 0, "spec.behavior.scaleUp.tolerance=0")
	case result.Polling:
		return s.polling()
	case result.MetricTarget:
		return s.target()
	case result.DryRun:
		return s.act()
	case result.Rivals:
		return s.alone()
	}
	return s.inWorld(l)
}

// assign lifts a limit by assignments to the autoscaler.
func (s *subject) assign(l result.Limit, value float64, assignments ...string) *lift {
	out := &lift{limit: l, value: value}
	for _, a := range assignments {
		if len(s.run.Objects) > 1 {
			a = s.autoscaler.Name().Namespace + "/ha/" + s.autoscaler.Name().Name + ":" + a
		}
		out.set = append(out.set, a)
	}
	return out
}

// act ends the dry run of the autoscaler, and of the node group that it scales.
func (s *subject) act() *lift {
	out := s.assign(result.DryRun, 0, "spec.dryRun=null")
	own := s.reference()
	for _, e := range s.run.Manifests.NodeGroups {
		if own.Kind == journal.ScalableNodeGroup && e.Object.Namespace == own.Namespace && e.Object.Name == own.Name {
			out.set = append(out.set, fmt.Sprintf("%s/sng/%s:spec.dryRun=null", own.Namespace, own.Name))
		}
	}
	return out
}

func (s *subject) bound(replicas int32) *lift {
	return s.assign(result.MaxReplicas, float64(replicas), fmt.Sprintf("spec.maxReplicas=%d", replicas))
}

// unbounded is a bound out of reach: four times what was ever needed or allowed.
func (s *subject) unbounded() int32 {
	most := float64(s.autoscaler.Policy.Max)
	for _, n := range s.played.Needed.V {
		if n > most {
			most = n
		}
	}
	return int32(min(4*math.Ceil(most), limit.Pods))
}

// polling is the default interval, or the shortest in which no window and no
// period has more intervals than are allowed; nil where that is no shorter.
func (s *subject) polling() *lift {
	p := s.autoscaler.Policy
	longest := max(p.Up.Window, p.Down.Window)
	for _, rules := range []*policy.Rules{&p.Up, &p.Down} {
		for i := range rules.Policies {
			longest = max(longest, rules.Policies[i].Period)
		}
	}
	interval := max(policy.DefaultInterval, (longest+policy.MaxIntervals-1)/policy.MaxIntervals)
	if interval >= p.Interval {
		return nil
	}
	return s.assign(result.Polling, float64(interval), fmt.Sprintf("spec.pollingIntervalSeconds=%d", interval))
}

// target lowers the targets of the metrics to what they show of a replica's full
// load; nil where none is above it.
func (s *subject) target() *lift {
	var out *lift
	for i := range s.autoscaler.Policy.Metrics {
		m := &s.autoscaler.Policy.Metrics[i]
		factor := s.factor(m)
		if m.Type == policy.Utilization {
			factor *= 100
		}
		field := s.autoscaler.TargetField(i)
		value := roundDown(factor, field == "averageUtilization")
		if !(value > 0) || value >= m.Target {
			continue
		}
		l := s.assign(result.MetricTarget, value, fmt.Sprintf("spec.metrics[%d].prometheus.target.%s=%s", i, field, strconv.FormatFloat(value, 'f', -1, 64)))
		if out == nil {
			out = l
			continue
		}
		out.value, out.set = 0, append(out.set, l.set...) // no one number says it
	}
	return out
}

// factor returns what a metric shows of one replica's full load, less its spread; NaN
// where it does not follow the demand.
func (s *subject) factor(m *policy.Metric) float64 {
	for _, r := range s.played.Responses {
		if r.Query == m.Query && r.Total == (m.Type == policy.AverageValue) {
			return r.Factor / (1 + r.Spread)
		}
	}
	return math.NaN()
}

// roundDown keeps three digits, or the whole number.
func roundDown(v float64, whole bool) float64 {
	if whole {
		return math.Floor(v * (1 + 1e-9))
	}
	scale := math.Pow(10, math.Floor(math.Log10(v))-2)
	return math.Floor(v/scale*(1+1e-9)) * scale
}

// alone has the rivals of the autoscaler decide without acting.
func (s *subject) alone() *lift {
	if len(s.rivals) == 0 {
		return nil
	}
	out := &lift{limit: result.Rivals}
	for _, name := range s.rivals {
		out.set = append(out.set, fmt.Sprintf("%s/ha/%s:spec.dryRun=true", name.Namespace, name.Name))
	}
	return out
}

// inWorld lifts a limit that is none of a policy.
func (s *subject) inWorld(l result.Limit) *lift {
	out := &lift{limit: l}
	switch l {
	case result.Metrics:
		if len(s.played.Responses) == 0 {
			return nil
		}
		out.world = without(func(f *scenario.Fault) bool { return f.Metrics != "" })
		out.options = func(o *sim.Options) { o.Fresh = s.played }
	case result.StartUp:
		out.world = s.startAtOnce
	case result.Nodes:
		out.world = func(spec *scenario.Spec) {
			for i := range spec.NodeGroups {
				spec.NodeGroups[i].Allocatable = nil
			}
			for i := range spec.Targets {
				if t := &spec.Targets[i]; t.PendingFor > 0 && t.ReadyAfter != nil {
					t.ReadyAfter, t.PendingFor = &scenario.StartUp{Fixed: t.ReadyAfter.Fixed - t.PendingFor}, 0
				}
			}
		}
		out.options = func(o *sim.Options) { o.NodesAtOnce = true }
	case result.FirstReplicas:
		return s.beginWithEnough()
	case result.MissedSlots:
		out.world = without(func(f *scenario.Fault) bool { return f.Controller != "" })
	case result.Refusals:
		faults := without(func(f *scenario.Fault) bool { return f.Target != "" || f.Nodes != "" && !disrupts(f.Nodes) })
		out.world = func(spec *scenario.Spec) {
			faults(spec)
			for i := range spec.NodeGroups {
				spec.NodeGroups[i].Max, spec.NodeGroups[i].Quota = nil, nil
			}
		}
	case result.Disruption:
		faults := without(func(f *scenario.Fault) bool { return disrupts(f.Nodes) })
		out.world = func(spec *scenario.Spec) {
			faults(spec)
			for i := range spec.NodeGroups {
				spec.NodeGroups[i].MeanLifetime = 0
			}
			for i := range spec.Workloads {
				if spec.Workloads[i].Reference() == s.reference() {
					spec.Workloads[i].Rollouts = nil
				}
			}
			for i := range spec.Targets {
				if spec.Targets[i].Reference() == s.reference() {
					spec.Targets[i].Rollouts = nil
				}
			}
		}
	default:
		return nil
	}
	return out
}

// disrupts says whether a fault takes away nodes that serve.
func disrupts(f scenario.NodesFault) bool {
	return f == scenario.NodesLost || f == scenario.NodesIsolated
}

// without drops faults.
func without(gone func(*scenario.Fault) bool) func(*scenario.Spec) {
	return func(spec *scenario.Spec) {
		spec.Faults = slices.DeleteFunc(spec.Faults, func(f scenario.Fault) bool { return gone(&f) })
	}
}

// keep drops the edits that would put a limit back.
func (l *lift) keep(spec *scenario.Spec) {
	for _, text := range l.set {
		path, _, _ := strings.Cut(text, "=")
		if _, own, found := strings.Cut(path, ":"); found {
			path = own
		}
		for i := range spec.Edits {
			e := &spec.Edits[i]
			e.Set = slices.DeleteFunc(slices.Clone(e.Set), func(edit string) bool {
				rest, found := strings.CutPrefix(edit, path)
				return found && rest != "" && strings.ContainsRune("=[.", rune(rest[0]))
			})
		}
	}
	spec.Edits = slices.DeleteFunc(spec.Edits, func(e scenario.Edit) bool { return len(e.Set) == 0 })
}

// reference names what the autoscaler scales.
func (s *subject) reference() scenario.Reference {
	t := s.autoscaler.Target
	return scenario.Reference{Namespace: t.Namespace, Kind: t.Kind, Name: t.Name}
}

// startAtOnce has new replicas of the target be ready when they have a place.
func (s *subject) startAtOnce(spec *scenario.Spec) {
	own := s.reference()
	for i := range spec.Targets {
		if t := &spec.Targets[i]; t.Reference() == own {
			t.ReadyAfter = &scenario.StartUp{Fixed: t.PendingFor} // a node is another limit
		}
	}
	for i := range spec.Workloads {
		if spec.Workloads[i].Reference() == own {
			spec.Workloads[i].Startup = scenario.Delay{}
		}
	}
	for i := range spec.NodeGroups {
		if g := &spec.NodeGroups[i]; own.Kind == journal.ScalableNodeGroup && g.Reference() == own {
			g.Boot, g.BootFailure = scenario.Delay{}, 0
		}
	}
}

// beginWithEnough starts the target with what the demand needs first.
func (s *subject) beginWithEnough() *lift {
	i := slices.IndexFunc(s.played.Needed.V, func(n float64) bool { return n > 0 })
	if i < 0 || s.autoscaler.Target.Kind == journal.ScalableNodeGroup {
		return nil
	}
	count := int32(min(math.Ceil(s.played.Needed.V[i]*(1-1e-9)), float64(s.autoscaler.Policy.Max)))
	return &lift{limit: result.FirstReplicas, value: float64(count), world: func(spec *scenario.Spec) {
		own := s.reference()
		for i := range spec.Workloads {
			if spec.Workloads[i].Reference() == own {
				spec.Workloads[i].Replicas = &count
				return
			}
		}
		for i := range spec.Targets {
			if spec.Targets[i].Reference() == own {
				spec.Targets[i].Replicas = &count
				return
			}
		}
		spec.Targets = append(spec.Targets, scenario.Target{
			APIVersion: s.autoscaler.Target.APIVersion, Kind: own.Kind, Namespace: own.Namespace, Name: own.Name, Replicas: &count,
		})
	}}
}
