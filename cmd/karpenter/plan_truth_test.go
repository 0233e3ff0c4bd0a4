package main

import (
	"math"
	"slices"
)

// A plainPolicy is what a change of a test says, in numbers: the ground truth of whether
// it does harm is found without the engine, without its world and without its yardstick.
type plainPolicy struct {
	min, max int
	// target is the load that a replica is to have, factor what the query makes of the
	// load.
	target, factor float64
	// pods may be added in a period of so many seconds; 0 for none at all.
	pods, period         int
	upWindow, downWindow int
	downTolerance        float64
	// holds says that it cannot decide: without a metric, or beside a rival.
	holds bool
}

const (
	// plainCapacity is the load that a replica can take: the target before the changes.
	plainCapacity = 10
	// plainStart is how many seconds a replica takes to start, plainSync how many lie
	// between two decisions.
	plainStart, plainSync = 30, 15
	// plainTolerance is that of HPAs.
	plainTolerance = 0.1
)

// play follows a load second by second, and returns the minutes in which the replicas that
// had started could not take it, and the replica-hours.
func (p *plainPolicy) play(load func(second int) float64, seconds int) (lacking, hours float64) {
	count := int(math.Ceil(load(0) / plainCapacity))
	var recommended, counts []int // at each decision, and before it
	var starts []int              // when the youngest replicas have started
	for now := range seconds {
		if now%plainSync == 0 {
			before := count
			recommended, counts = append(recommended, p.recommend(load(now), count)), append(counts, count)
			count = p.decide(recommended, counts)
			for range count - before {
				starts = append(starts, now+plainStart)
			}
			for range min(before-count, len(starts)) {
				starts = starts[:len(starts)-1]
			}
		}
		for len(starts) > 0 && starts[0] <= now {
			starts = starts[1:]
		}
		if float64(count-len(starts))*plainCapacity < load(now) {
			lacking += 1.0 / 60
		}
		hours += float64(count) / 3600
	}
	return lacking, hours
}

func (p *plainPolicy) recommend(load float64, count int) int {
	if p.holds {
		return count
	}
	ratio := p.factor * load / p.target / float64(count)
	if ratio > 1-p.downTolerance && ratio < 1+plainTolerance {
		return count
	}
	return int(math.Ceil(p.factor * load / p.target))
}

// decide weighs the last recommendations of the windows, and the replicas of a period ago.
func (p *plainPolicy) decide(recommended, counts []int) int {
	latest := func(list []int, seconds int) []int { return list[max(0, len(list)-1-seconds/plainSync):] }
	count, wanted := counts[len(counts)-1], recommended[len(recommended)-1]
	if p.holds {
		return count
	}
	if wanted > count {
		wanted = max(count, slices.Min(latest(recommended, p.upWindow)))
		wanted = min(wanted, slices.Min(latest(counts, p.period))+p.pods)
		wanted = max(count, wanted)
	} else if wanted < count {
		wanted = min(count, slices.Max(latest(recommended, p.downWindow)))
	}
	return max(p.min, min(p.max, wanted))
}

// harm returns what a change costs beyond what was: minutes without enough capacity, and
// a share of the replica-hours.
func harm(load func(second int) float64, seconds int, before, after *plainPolicy) (minutes, share float64) {
	lacked, paid := before.play(load, seconds)
	lacks, pays := after.play(load, seconds)
	return lacks - lacked, pays/paid - 1
}
