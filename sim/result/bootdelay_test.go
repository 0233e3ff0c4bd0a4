package result

import (
	"testing"
)

// steps returns a function of pairs of minutes and values.
func steps(pairs ...float64) Steps {
	var s Steps
	for i := 0; i < len(pairs); i += 2 {
		s.Append(int64(pairs[i]*60), pairs[i+1])
	}
	return s
}

func TestBootDelay(t *testing.T) {
	cases := map[string]struct {
		reason       string
		asked, ready Steps
		want         int64
	}{
		"None":     {"nothing rises", steps(0, 2, 5, 1), steps(0, 2, 5, 1), 0},
		"AtOnce":   {"ready when asked for", steps(0, 2, 5, 4), steps(0, 2, 5, 4), 0},
		"Median":   {"1, 2 and 6 min", steps(0, 1, 5, 2, 10, 3, 20, 4), steps(0, 1, 6, 2, 12, 3, 26, 4), 120},
		"Recalled": {"what is taken back before it is ready does not count", steps(0, 1, 5, 9, 6, 2), steps(0, 1, 8, 2), 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := BootDelay(c.asked, c.ready); got != c.want {
				t.Errorf("%s: %d s, want %d", c.reason, got, c.want)
			}
		})
	}
}
