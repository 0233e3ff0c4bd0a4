package recording

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSelectors(t *testing.T) {
	tests := map[string]struct {
		reason string
		query  string
		want   []string
	}{
		"Instant":        {"lookback is not counted", `up{job="x"}`, []string{`{job="x",__name__="up"} -0 +0`}},
		"Range":          {"the range comes before", `rate(a[5m])`, []string{`{__name__="a"} -300000 +0`}},
		"Offset":         {"range and offset add up", `rate(a[5m] offset 1h)`, []string{`{__name__="a"} -3900000 +0`}},
		"NegativeOffset": {"it reaches ahead", `a offset -1h`, []string{`{__name__="a"} -0 +3600000`}},
		"Subquery":       {"everything around adds up", `max_over_time(rate(a[5m])[1h:1m] offset 10m)`, []string{`{__name__="a"} -4500000 +0`}},
		"At":             {"an instant of its own", `a @ 100 + max_over_time(b[1m] @ 200)`, []string{`{__name__="a"} -0 +0 @100000`, `{__name__="b"} -60000 +0 @200000`}},
		"AtInSubquery":   {"the inner @ wins", `max_over_time((a @ 100)[1h:])`, []string{`{__name__="a"} -0 +0 @100000`}},
		"AtOfSubquery":   {"the subquery's @ counts for what is inside", `max_over_time(a[1h:] @ 100)`, []string{`{__name__="a"} -3600000 +0 @100000`}},
		"Repeated":       {"each once, with the widest reach", `a / rate(a[5m]) + b + a offset -1m`, []string{`{__name__="a"} -300000 +60000`, `{__name__="b"} -0 +0`}},
		"None":           {"no series needed", `time() + 1`, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			selectors, err := Selectors(tc.query)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range selectors {
				text := fmt.Sprintf("%s -%d +%d", s, s.Before, s.After)
				if s.At != nil {
					text += fmt.Sprintf(" @%d", *s.At)
				}
				if _, err := ParseSelector(s.String()); err != nil {
					t.Errorf("not a selector again: %v", err)
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
	if _, err := Selectors("rate(a"); err == nil || err.Error() != `query "rate(a": 1:7: parse error: unclosed left parenthesis` {
		t.Errorf("syntax: %v", err)
	}
}

// Selectors that differ in their names only are read at once; all else stays as it is.
func TestTogether(t *testing.T) {
	var selectors []Selector
	for _, text := range []string{`a{x="1"}`, `rate`, `b{x="1"}`, `{__name__=~"c|d",x="1"}`, `e{x="2"}`, `f.g{x="1"}`} {
		if text == `f.g{x="1"}` {
			text = `{__name__="f.g",x="1"}`
		}
		s, err := ParseSelector(text)
		if err != nil {
			t.Fatal(err)
		}
		selectors = append(selectors, s)
	}
	wide := selectors[0]
	wide.Before = 60_000
	var got []string
	for _, s := range Together(append(selectors, wide)) {
		got = append(got, s.String())
	}
	want := []string{`{__name__=~"a|b|f\\.g",x="1"}`, `{__name__="rate"}`, `{__name__=~"c|d",x="1"}`, `{x="2",__name__="e"}`, `{x="1",__name__="a"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
