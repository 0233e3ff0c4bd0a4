package soak

import (
	"context"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// mostTries bounds how often a shrinking case is played.
const mostTries = 400

// shrink takes away what it can as long as the same invariant stays broken.
func shrink(ctx context.Context, f *Finding, play PlayFunc) (*Finding, error) {
	invariants := slices.DeleteFunc(slices.Clone(Invariants), func(i Invariant) bool { return i.Name != f.Invariant })
	tries := 0
	for progress := true; progress; {
		progress = false
		for _, smaller := range reductions(f.Case) {
			if tries++; tries > mostTries {
				return f, nil
			}
			c := f.Case.clone()
			smaller(c)
			next, err := check(ctx, c, play, invariants)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil || next == nil || next.Invariant != f.Invariant {
				continue
			}
			next.Seed = f.Seed
			f, progress = next, true
			break
		}
	}
	return f, nil
}

// reductions are the ways to make a case smaller, those first that take most.
func reductions(c *Case) []func(*Case) {
	spec := &c.Scenario.Spec
	var list []func(*Case)
	add := func(n int, drop func(c *Case, i int)) {
		for i := range n {
			list = append(list, func(c *Case) { drop(c, i) })
		}
	}
	if len(c.Autoscalers) > 1 {
		add(len(c.Autoscalers), dropAutoscaler)
	}
	add(len(spec.Faults), func(c *Case, i int) { c.Scenario.Spec.Faults = slices.Delete(c.Scenario.Spec.Faults, i, i+1) })
	add(len(spec.Edits), func(c *Case, i int) { c.Scenario.Spec.Edits = slices.Delete(c.Scenario.Spec.Edits, i, i+1) })
	list = append(list, reduceTime(c)...)
	for k := range spec.Workloads {
		if n := len(spec.Workloads[k].Demand); n > 1 {
			add(n, func(c *Case, i int) {
				c.Scenario.Spec.Workloads[k].Demand = slices.Delete(c.Scenario.Spec.Workloads[k].Demand, i, i+1)
			})
		}
		if len(spec.Workloads[k].Rollouts) > 0 {
			list = append(list, func(c *Case) { c.Scenario.Spec.Workloads[k].Rollouts = nil })
		}
	}
	for k := range c.Autoscalers {
		list = append(list, reducePolicy(c, k)...)
	}
	for k := range spec.InputSeries {
		list = append(list, reduceSeries(spec.InputSeries[k].Values, k)...)
	}
	return append(list, reduceSettings(c)...)
}

// dropAutoscaler takes away an autoscaler and all that only it needs.
func dropAutoscaler(c *Case, i int) {
	name := c.Autoscalers[i].Name
	var queries strings.Builder
	c.Autoscalers = slices.Delete(c.Autoscalers, i, i+1)
	for _, a := range c.Autoscalers {
		for _, m := range a.Spec.Metrics {
			queries.WriteString(m.Prometheus.Query)
		}
	}
	spec := &c.Scenario.Spec
	spec.Targets = slices.DeleteFunc(spec.Targets, func(t scenario.Target) bool { return t.Name == name })
	spec.Workloads = slices.DeleteFunc(spec.Workloads, func(w scenario.Workload) bool { return w.Name == name })
	spec.NodeGroups = slices.DeleteFunc(spec.NodeGroups, func(g scenario.NodeGroup) bool { return g.Name == name })
	c.NodeGroups = slices.DeleteFunc(c.NodeGroups, func(g *v1alpha1.ScalableNodeGroup) bool { return g.Name == name })
	spec.Faults = slices.DeleteFunc(spec.Faults, func(f scenario.Fault) bool { return strings.HasSuffix(f.Object, "/"+name) })
	spec.Edits = slices.DeleteFunc(spec.Edits, func(e scenario.Edit) bool { return strings.HasSuffix(e.Object, "/"+name) })
	spec.InputSeries = slices.DeleteFunc(spec.InputSeries, func(s scenario.InputSeries) bool { return !strings.Contains(queries.String(), s.Series) })
}

// reduceTime ends the run earlier; a case that must become calm keeps its end.
func reduceTime(c *Case) []func(*Case) {
	var list []func(*Case)
	for _, share := range []scenario.Duration{2, 4, 8} {
		whole := c.Scenario.Spec.Duration
		shorter := (whole - whole/share) / seconds(15) * seconds(15)
		if shorter < minutes(1) || shorter == whole {
			continue
		}
		list = append(list, func(c *Case) {
			spec := &c.Scenario.Spec
			spec.Duration = shorter
			spec.Faults = slices.DeleteFunc(spec.Faults, func(f scenario.Fault) bool { return f.At != nil && *f.At >= shorter })
			spec.Edits = slices.DeleteFunc(spec.Edits, func(e scenario.Edit) bool { return *e.At >= shorter })
			for i := range spec.InputSeries {
				values := strings.Fields(spec.InputSeries[i].Values)
				spec.InputSeries[i].Values = strings.Join(values[:min(len(values), int(shorter/spec.Interval)+2)], " ")
			}
			c.Calm = min(c.Calm, shorter)
		})
	}
	return list
}

// reducePolicy takes away parts of one policy.
func reducePolicy(c *Case, k int) []func(*Case) {
	var list []func(*Case)
	spec := &c.Autoscalers[k].Spec
	if len(spec.Metrics) > 1 {
		for i := range spec.Metrics {
			list = append(list, func(c *Case) {
				c.Autoscalers[k].Spec.Metrics = slices.Delete(c.Autoscalers[k].Spec.Metrics, i, i+1)
			})
		}
	}
	for _, of := range []func(*v1alpha1.Behavior) **v1alpha1.ScalingRules{
		func(b *v1alpha1.Behavior) **v1alpha1.ScalingRules { return &b.ScaleUp },
		func(b *v1alpha1.Behavior) **v1alpha1.ScalingRules { return &b.ScaleDown },
	} {
		rules := *of(&spec.Behavior)
		if rules == nil {
			continue
		}
		list = append(list, func(c *Case) { *of(&c.Autoscalers[k].Spec.Behavior) = nil })
		for i := range rules.Policies {
			list = append(list, func(c *Case) {
				r := *of(&c.Autoscalers[k].Spec.Behavior)
				r.Policies = slices.Delete(r.Policies, i, i+1)
			})
		}
		if rules.Tolerance != nil {
			list = append(list, func(c *Case) { (*of(&c.Autoscalers[k].Spec.Behavior)).Tolerance = nil })
		}
	}
	return list
}

// reduceSeries makes stretches of a series constant.
func reduceSeries(text string, k int) []func(*Case) {
	var list []func(*Case)
	values := strings.Fields(text)
	for _, parts := range []int{1, 2, 4, 8} {
		length := (len(values) + parts - 1) / parts
		for from := 0; from < len(values); from += max(1, length) {
			flat := slices.Clone(values)
			for i := from; i < min(from+length, len(values)); i++ {
				flat[i] = values[from]
			}
			if !slices.Equal(flat, values) {
				list = append(list, func(c *Case) { c.Scenario.Spec.InputSeries[k].Values = strings.Join(flat, " ") })
			}
		}
	}
	return list
}

// reduceSettings puts one setting after the other back to what is usual.
func reduceSettings(c *Case) []func(*Case) {
	var list []func(*Case)
	spec := &c.Scenario.Spec
	if spec.Controller.QueryOffset != 0 {
		list = append(list, func(c *Case) { c.Scenario.Spec.Controller.QueryOffset = 0 })
	}
	if spec.Controller.Phase != scenario.Aligned {
		list = append(list, func(c *Case) { c.Scenario.Spec.Controller.Phase = scenario.Aligned })
	}
	if spec.Prometheus.IngestDelay != 0 {
		list = append(list, func(c *Case) { c.Scenario.Spec.Prometheus.IngestDelay = 0 })
	}
	if spec.Prometheus.LookbackDelta != nil {
		list = append(list, func(c *Case) { c.Scenario.Spec.Prometheus.LookbackDelta = nil })
	}
	for i := range spec.Targets {
		if spec.Targets[i].ReadyAfter != nil {
			list = append(list, func(c *Case) { c.Scenario.Spec.Targets[i].ReadyAfter = nil })
		}
	}
	for i := range spec.Faults {
		if spec.Faults[i].Probability != nil && spec.Faults[i].At != nil {
			list = append(list, func(c *Case) { c.Scenario.Spec.Faults[i].Probability = nil })
		}
	}
	return list
}
