package behavior

import (
	"math"

	"github.com/karpenter-sim/karpenter/engine/algorithm"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// An Event is a change of spec.replicas by Delta at a slot.
type Event struct {
	Slot  slot.Slot
	Delta int32
}

// RateLimit bounds the move from current to wanted by the rate policies of its
// direction. Every event counts for as long as any policy's period reaches it,
// whichever direction it had. A limit never pushes the replicas backwards.
func RateLimit(up, down *policy.Rules, events []Event, now slot.Slot, current, wanted int32) (int32, Limit) {
	switch {
	case wanted > current:
		most, limit := budget(up, Up, events, now, current)
		if int64(wanted) > most {
			return int32(max(most, int64(current))), limit
		}
	case wanted < current:
		least, limit := budget(down, Down, events, now, current)
		if int64(wanted) < least {
			return int32(min(least, int64(current))), limit
		}
	}
	return wanted, Limit{}
}

// budget is the furthest count that the selected policy of one direction allows.
func budget(rules *policy.Rules, direction Direction, events []Event, now slot.Slot, current int32) (int64, Limit) {
	limit := Limit{Stage: Rate, Direction: direction, Policy: -1}
	if rules.Select == policy.Disabled {
		return int64(current), limit
	}
	sign := int64(1)
	if direction == Down {
		sign = -1
	}
	if len(rules.Policies) == 0 {
		return sign * math.MaxInt32, limit
	}
	var selected int64
	for i := range rules.Policies {
		allowed, start, until := allowance(&rules.Policies[i], sign, events, now, current)
		further := (allowed - selected) * sign
		if i > 0 && (rules.Select == policy.SelectMax && further <= 0 || rules.Select == policy.SelectMin && further >= 0) {
			continue
		}
		selected = allowed
		limit.Policy = i
		limit.Used = saturate((int64(current) - start) * sign)
		limit.Left = saturate(max(0, (allowed-int64(current))*sign))
		limit.Until = until
	}
	return selected, limit
}

// allowance is the furthest count one policy allows, the count at the start of
// its period, and when the oldest event that used it up leaves the period (or,
// without one, when the change decided now will).
func allowance(rate *policy.Rate, sign int64, events []Event, now slot.Slot, current int32) (allowed, start int64, until slot.Slot) {
	period := slot.Slot(rate.Period)
	start = int64(current)
	until = now + period
	for i := len(events) - 1; i >= 0 && now-events[i].Slot < period; i-- {
		start -= int64(events[i].Delta)
		if int64(events[i].Delta)*sign > 0 {
			until = events[i].Slot + period
		}
	}
	return furthest(rate, sign, start), start, until
}

// furthest is the count that a policy allows whose period began with start.
func furthest(rate *policy.Rate, sign, start int64) int64 {
	value := float64(rate.Value) / 100
	switch {
	case rate.Type == policy.Count:
		return start + sign*int64(rate.Value)
	case sign > 0:
		// Percent of little rounds to nothing; one replica is always allowed,
		// or 0 could never be left.
		return max(int64(algorithm.Ceil(float64(start)*(1+value))), start+1)
	}
	return int64(algorithm.Floor(float64(start)*(1-value), float64(start)))
}

// Spent is the move that RateLimit allows of one direction where its i-th policy
// limits and the policy's period has already seen used replicas, but for the
// limit's Until. Policies with the same period saw the same, so of these it is the
// one that is selected.
func Spent(rules *policy.Rules, direction Direction, i int, used, current int32) (int32, Limit) {
	sign := int64(1)
	if direction == Down {
		sign = -1
	}
	start := int64(current) - sign*int64(used)
	limit := Limit{Stage: Rate, Direction: direction, Policy: -1, Used: used}
	var selected int64
	for k := range rules.Policies {
		if rules.Policies[k].Period != rules.Policies[i].Period {
			continue
		}
		allowed := furthest(&rules.Policies[k], sign, start)
		further := (allowed - selected) * sign
		if limit.Policy >= 0 && (rules.Select == policy.SelectMax && further <= 0 || rules.Select == policy.SelectMin && further >= 0) {
			continue
		}
		selected, limit.Policy = allowed, k
	}
	limit.Left = saturate(max(0, (selected-int64(current))*sign))
	if sign > 0 {
		return saturate(max(selected, int64(current))), limit
	}
	return saturate(min(selected, int64(current))), limit
}

func saturate(x int64) int32 { return int32(min(max(x, math.MinInt32), math.MaxInt32)) }
