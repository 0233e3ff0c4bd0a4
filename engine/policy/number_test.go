package policy

import (
	"math"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"
)

func TestNumber(t *testing.T) {
	cases := map[string]struct {
		reason, text string
		want         float64
	}{
		"Decimal":  {"the number that was meant", "0.3", 0.3},
		"Milli":    {"as the API server writes it", "300m", 0.3},
		"Binary":   {"a power of two", "1.5Gi", 1.5 * (1 << 30)},
		"Exponent": {"in scientific notation", "12e-3", 0.012},
		"Nano":     {"the least there is", "1n", 1e-9},
		"Long":     {"more digits than a float64 has", "0.123456789", 0.123456789},
		"Huge":     {"far beyond any count", "1e300", 1e300},
		"Beyond":   {"beyond any float64, at no cost", "1e2000000", math.Inf(1)},
		"Negative": {"the sign is kept", "-0.3", -0.3},
		"Zero":     {"nothing", "0", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			q := resource.MustParse(c.text)
			if got := Number(&q); got != c.want {
				t.Errorf("%s: got %v, want %v", c.reason, got, c.want)
			}
		})
	}
}

// What an API server makes of a quantity is the same number.
func TestNumberIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,6}(\.[0-9]{1,6})?(n|u|m|k|M|G|Ki|Mi|Gi|e-?[0-9])?`).Draw(t, "text")
		q, err := resource.ParseQuantity(text)
		if err != nil {
			t.Skip(err)
		}
		canonical := resource.MustParse(q.String())
		if a, b := Number(&q), Number(&canonical); a != b {
			t.Errorf("%s is %v, and as %s %v", text, a, canonical.String(), b)
		}
	})
}
