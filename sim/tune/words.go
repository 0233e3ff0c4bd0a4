package tune

import (
	"fmt"
	"math"
	"strconv"
)

// short writes a figure with as many digits as matter.
func short(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "unknown"
	case a == 0 || a >= 100:
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	case a >= 10:
		return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// change is a relative change in percent, with its sign.
func change(a, than float64) string {
	if than == 0 {
		if a == 0 {
			return "the same"
		}
		return "more"
	}
	percent := 100 * (a/than - 1)
	switch {
	case math.Abs(percent) < 0.05:
		return "±0 %"
	case percent < 0:
		return "−" + short(-percent) + " %"
	}
	return "+" + short(percent) + " %"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
