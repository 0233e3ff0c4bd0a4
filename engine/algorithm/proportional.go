// Package algorithm turns one metric and the current replicas into a
// recommendation. A Recommender is one file and one line of recommenders.
package algorithm

import (
	"math"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// Noise is the relative distance within which a number counts as the integer,
// or a ratio as the edge of its tolerance: a metric exactly on target must not
// add a replica because of the last bit of a division.
const Noise = 1e-9

// Replicas are the three counts of a scale target.
type Replicas struct {
	// Spec is the wanted count; it decides the direction.
	Spec int32
	// Status is the number of replicas that are there, ready or not; a total is shared by it.
	Status int32
	// Ready is the number of replicas that serve: they produced the value of a metric that is no total.
	// It may exceed Status, which leaves out terminating pods.
	Ready int32
}

// Tolerance is the relative distance from the target that is ignored in each direction.
type Tolerance struct{ Up, Down float64 }

// Proportional recommends the replicas that would bring the metric to its
// target if the metric shrank in proportion:
//
//	Value         ceil(ready x value / target), at least 1
//	Utilization   ceil(ready x value / (target / 100)), at least 1
//	AverageValue  ceil(value / target)
//
// within tolerance it recommends spec. It returns a code instead where the
// value is no usable number or cannot be related to replicas.
func Proportional(m *policy.Metric, tolerance Tolerance, value float64, r Replicas) (int32, observation.Code) {
	return proportional(m, tolerance, value, r, 1)
}

// Unfloored is Proportional as HPA has it: Value and Utilization can reach 0, and
// ask for the ratio itself from there.
func Unfloored(m *policy.Metric, tolerance Tolerance, value float64, r Replicas) (int32, observation.Code) {
	return proportional(m, tolerance, value, r, 0)
}

func proportional(m *policy.Metric, tolerance Tolerance, value float64, r Replicas, least int32) (int32, observation.Code) {
	if code := Usable(value); code != observation.OK {
		return 0, code
	}
	target := m.Target
	if m.Type == policy.AverageValue {
		ratio := value / float64(target*float64(r.Status))
		if r.Spec > 0 && r.Status > 0 && tolerance.covers(ratio) {
			return r.Spec, observation.OK
		}
		return saturate(Ceil(value / target)), observation.OK
	}
	if m.Type == policy.Utilization {
		target /= 100
	}
	if r.Ready <= 0 && r.Spec > 0 {
		return 0, observation.NoReplicas
	}
	ratio := value / target
	if r.Spec > 0 && tolerance.covers(ratio) {
		return r.Spec, observation.OK
	}
	if r.Spec == 0 && least == 0 {
		return saturate(Ceil(ratio)), observation.OK
	}
	return max(least, saturate(Ceil(ratio*float64(r.Ready)))), observation.OK
}

// covers says whether the ratio of the metric to its target is close enough to 1.
func (t Tolerance) covers(ratio float64) bool {
	return ratio >= 1-t.Down-Noise && ratio <= 1+t.Up+Noise
}

// Usable says why a value cannot be a count, a total or a ratio.
func Usable(value float64) observation.Code {
	switch {
	case math.IsNaN(value):
		return observation.NaN
	case math.IsInf(value, 0):
		return observation.Infinite
	case value < 0:
		return observation.Negative
	case value > 1<<63:
		return observation.OutOfRange
	}
	return observation.OK
}

// Ceil rounds up, except that a number within Noise of an integer is that integer.
func Ceil(x float64) float64 {
	near := math.RoundToEven(x)
	if math.Abs(x-near) <= Noise*max(1, math.Abs(x)) {
		return near
	}
	return math.Ceil(x)
}

// Floor rounds part down with the same care, measured against the whole it is
// a part of.
func Floor(part, whole float64) float64 { return math.Floor(part + float64(Noise*max(1, whole))) }

func saturate(x float64) int32 { return int32(min(x, math.MaxInt32)) }
