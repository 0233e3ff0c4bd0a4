package result

import (
	"math"
	"slices"
)

// BootDelay returns how long replicas took from being asked for to ready, in
// seconds: the median over all rises of the count asked for that were fulfilled
// before it fell; 0 where there is none.
func BootDelay(asked, ready Steps) int64 {
	var took []int64
	for i := 1; i < len(asked.T); i++ {
		count := asked.V[i]
		if !(count > asked.V[i-1]) {
			continue
		}
		from, until := asked.T[i], fallsBelow(asked, count, i)
		if at := reaches(ready, count, from); at < until {
			took = append(took, at-from)
		}
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[(len(took)-1)/2]
}

// fallsBelow returns when the function, at least a value at one of its changes, is
// below it again or unknown, or the end of time.
func fallsBelow(s Steps, value float64, i int) int64 {
	for ; i < len(s.T); i++ {
		if !(s.V[i] >= value) {
			return s.T[i]
		}
	}
	return math.MaxInt64
}

// reaches returns when the function is at least a value, at an instant or after
// it, or the end of time.
func reaches(s Steps, value float64, from int64) int64 {
	if s.At(from) >= value {
		return from
	}
	first, _ := slices.BinarySearch(s.T, from)
	for i := first; i < len(s.T); i++ {
		if s.V[i] >= value {
			return s.T[i]
		}
	}
	return math.MaxInt64
}
