package reports

import "time"

// A tick is a labelled instant of a time axis.
type tick struct {
	t     int64
	label string
}

// timeSteps are the distances between ticks, in seconds; days are 86,400.
var timeSteps = []int64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, day, 2 * day, 4 * day, 7 * day, 14 * day}

const day = 86400

// timeTicks are at most most ticks between from and to, at round times of the
// zone.
func timeTicks(location *time.Location, from, to int64, most int) []tick {
	step := timeSteps[len(timeSteps)-1]
	for _, s := range timeSteps {
		if (to-from)/s < int64(most) {
			step = s
			break
		}
	}
	for (to-from)/step >= int64(most) {
		step *= 2
	}
	start := time.Unix(from, 0).In(location)
	var ticks []tick
	for d, last := 0, from-1; ; d++ {
		date := time.Date(start.Year(), start.Month(), start.Day()+d, 0, 0, 0, 0, location)
		if date.Unix() >= to {
			return ticks
		}
		if step >= day {
			// Whole days count from the epoch, so that zooming keeps the marks.
			if days := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, time.UTC).Unix() / day; days%(step/day) != 0 {
				continue
			}
		}
		for second := int64(0); second < day; second += step {
			at := time.Date(start.Year(), start.Month(), start.Day()+d, 0, 0, int(second), 0, location)
			if at.Unix() > last && at.Unix() >= from && at.Unix() < to {
				last = at.Unix()
				ticks = append(ticks, tick{t: last, label: tickLabel(at, step)})
			}
		}
	}
}

func tickLabel(at time.Time, step int64) string {
	switch {
	case step >= day:
		return at.Format("Mon 2 Jan")
	case midnight(at) && step >= 3600:
		return at.Format("Mon 2")
	case step < 60:
		return at.Format("15:04:05")
	}
	return at.Format("15:04")
}

// countTicks are round numbers of replicas from 0 up to top, at most most
// besides 0.
func countTicks(top float64, most int) []float64 {
	step := 1.0
	for i := 0; top/step > float64(most); i++ {
		step *= []float64{2, 2.5, 2}[i%3] // 1, 2, 5, 10, 20, ...
	}
	var ticks []float64
	for n := 0.0; n <= top; n += step {
		ticks = append(ticks, n)
	}
	return ticks
}
