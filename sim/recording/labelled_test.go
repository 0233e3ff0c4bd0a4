package recording

import "testing"

func TestLabelsEnter(t *testing.T) {
	l := Labels{"cluster": "eu1"}
	for name, c := range map[string]struct{ query, want string }{
		"Name":     {"up", `up{cluster="eu1"}`},
		"Range":    {`sum(rate(x{a="b"}[5m] offset 1h)) / scalar(max(y))`, `sum(rate(x{a="b",cluster="eu1"}[5m] offset 1h)) / scalar(max(y{cluster="eu1"}))`},
		"Subquery": {"max_over_time(x[1h:1m])", `max_over_time(x{cluster="eu1"}[1h:1m])`},
		"Number":   {"vector(3)", "vector(3)"},
	} {
		if got, err := l.Enter(c.query); err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
	if _, err := l.Enter("sum("); err == nil {
		t.Error("what is not PromQL is entered")
	}
}
