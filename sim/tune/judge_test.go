package tune

import (
	"context"
	"strings"
	"testing"
)

// trial is one whose windows, an hour each, cost and lack as given.
func trial(id int, state string, learned int, windows ...[2]int) Trial {
	t := Trial{ID: id, Unit: id, State: state, Learned: learned}
	for _, w := range windows {
		t.Windows = append(t.Windows, Score{Seconds: 3600, Scored: 3600, Asked: float64(w[0] * 3600), Lacking: int64(w[1] * 60), Under: float64(w[1] * 60)})
	}
	return t
}

// judged is a search over two folds, with a current policy that costs 10 and
// lacks 10 in each window.
func judged(constraints ...Constraint) *Search {
	s := &Search{Options: Options{Folds: 2, Constraints: constraints}, Fidelity: -1, whole: 3 * 3600}
	s.Current = trial(0, Played, 0, [2]int{10, 10}, [2]int{10, 10}, [2]int{10, 10})
	st := stage{windows: windows(0, 3*3600, 3)}
	for k, w := range st.windows {
		for i := range int64(quarters) {
			from := w.from + i*900
			st.parts = append(st.parts, part{window{from, from + 900}, k})
		}
	}
	s.stages, s.Unit = []stage{st}, "part of 15m"
	s.examine = func(_ context.Context, t *Trial) error {
		t.parts = inQuarters(t.Windows)
		return nil
	}
	s.Current.parts = inQuarters(s.Current.Windows)
	return s
}

const quarters = 4

// inQuarters are windows in four equal parts each.
func inQuarters(windows []Score) []Score {
	var parts []Score
	for _, w := range windows {
		for range quarters {
			parts = append(parts, Score{Seconds: w.Seconds / 4, Scored: w.Scored / 4, Asked: w.Asked / 4, Lacking: w.Lacking / 4, Under: w.Under / 4})
		}
	}
	return parts
}

func limit(t *testing.T, text string) Constraint {
	t.Helper()
	c, err := ParseConstraint(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChoose(t *testing.T) {
	cases := map[string]struct {
		reason      string
		constraints []string
		trials      []Trial
		train, want int // 0 for none
	}{
		"Better": {"less cost and less lacking", nil,
			[]Trial{trial(1, Played, 0, [2]int{9, 9}, [2]int{9, 9}, [2]int{9, 9})}, 2, 1},
		"OnlyCheaper": {"cheaper at the price of lacking is a trade, no improvement", nil,
			[]Trial{trial(1, Played, 0, [2]int{5, 11}, [2]int{5, 11}, [2]int{9, 9})}, 2, 0},
		"Even": {"better in both by a margin goes before much better in one", nil,
			[]Trial{trial(1, Played, 0, [2]int{5, 9}, [2]int{5, 10}, [2]int{9, 9}), trial(2, Played, 0, [2]int{8, 8}, [2]int{8, 8}, [2]int{9, 9})}, 2, 2},
		"FirstOfEquals": {"of equals it is the first", nil,
			[]Trial{trial(1, Played, 0, [2]int{8, 8}, [2]int{8, 8}, [2]int{9, 9}), trial(2, Played, 0, [2]int{8, 8}, [2]int{8, 8}, [2]int{1, 1})}, 2, 1},
		"BlindToTheFuture": {"a held-out window says nothing", nil,
			[]Trial{trial(1, Played, 0, [2]int{9, 9}, [2]int{1, 1}, [2]int{1, 1}), trial(2, Played, 0, [2]int{8, 8}, [2]int{99, 99}, [2]int{99, 99})}, 1, 2},
		"Learned": {"a chain that has seen the held-out window cannot be chosen", nil,
			[]Trial{trial(1, Played, 2, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}), trial(2, Played, 1, [2]int{9, 9}, [2]int{9, 9}, [2]int{9, 9})}, 1, 2},
		"Stopped": {"what was not played cannot be chosen", nil,
			[]Trial{trial(1, Stopped, 0, [2]int{1, 1}, [2]int{1, 1})}, 2, 0},
		"Invalid": {"nor what is no policy", nil, []Trial{trial(1, Invalid, 0)}, 1, 0},
		"Cheapest": {"with a limit, the cheapest that keeps its share of it", []string{"breach_minutes <= 30"},
			[]Trial{trial(1, Played, 0, [2]int{7, 10}, [2]int{7, 10}, [2]int{9, 9}), trial(2, Played, 0, [2]int{6, 10}, [2]int{6, 11}, [2]int{9, 9}), trial(3, Played, 0, [2]int{9, 0}, [2]int{9, 0}, [2]int{9, 0})}, 2, 1},
		"Dearer": {"to keep a limit that the current policy breaks may cost more", []string{"breach_minutes <= 6"},
			[]Trial{trial(1, Played, 0, [2]int{12, 2}, [2]int{12, 2}, [2]int{12, 2})}, 2, 1},
		"DearerForNothing": {"but not where the current policy keeps it", []string{"breach_minutes <= 60"},
			[]Trial{trial(1, Played, 0, [2]int{12, 2}, [2]int{12, 2}, [2]int{12, 2})}, 2, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var constraints []Constraint
			for _, text := range c.constraints {
				constraints = append(constraints, limit(t, text))
			}
			got := 0
			if best := judged(constraints...).choose(c.trials, Reactive, c.train); best != nil {
				got = best.ID
			}
			if got != c.want {
				t.Errorf("%s: chose %d, want %d", c.reason, got, c.want)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	cases := map[string]struct {
		reason string
		trials []Trial
		want   Verdict
	}{
		"Holds": {"better where it was chosen and after",
			[]Trial{trial(1, Played, 0, [2]int{9, 9}, [2]int{9, 9}, [2]int{9, 9})}, Recommend},
		"Overfits": {"better where it was chosen, worse after",
			[]Trial{trial(1, Played, 0, [2]int{9, 9}, [2]int{9, 9}, [2]int{9, 11})}, Keep},
		"Lucky": {"better in the newest window, but choosing like this was not before",
			[]Trial{trial(1, Played, 0, [2]int{8, 8}, [2]int{10, 30}, [2]int{9, 9}), trial(2, Played, 0, [2]int{9, 9}, [2]int{9, 9}, [2]int{9, 9})}, Keep},
		"Nothing": {"nothing is better",
			[]Trial{trial(1, Played, 0, [2]int{10, 10}, [2]int{10, 10}, [2]int{9, 9})}, Keep},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := finish(t, judged(), c.trials)
			if o.Verdict != c.want || len(o.Why) == 0 {
				t.Errorf("%s: %s because %v, want %s", c.reason, o.Verdict, o.Why, c.want)
			}
		})
	}
}

// A policy that is kept for want of a better one may break what was asked for.
func TestKeptPolicyBreaksConstraint(t *testing.T) {
	for text, want := range map[string]string{
		"breach_minutes <= 6":  "In all windows together the current policy does not keep breach_minutes <= 6 itself: it has 30.",
		"breach_minutes <= 30": "",
	} {
		o := finish(t, judged(limit(t, text)), []Trial{trial(1, Played, 0, [2]int{20, 10}, [2]int{20, 10}, [2]int{20, 10})})
		if last := o.Why[len(o.Why)-1]; o.Verdict != Keep || want != "" && last != want || want == "" && strings.Contains(last, "itself") {
			t.Errorf("%s: %s because %q, want %q", text, o.Verdict, o.Why, want)
		}
	}
}

func TestUnranked(t *testing.T) {
	s := judged()
	s.Fidelity, s.Unfaithful = 89.9, "it makes 3 of the 5 recorded changes, fewer than 80 %"
	o := finish(t, s, []Trial{trial(1, Played, 0, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1})})
	if o.Verdict != Unranked || o.Steps != nil || o.Pareto != nil || o.Choice != nil {
		t.Errorf("something was ranked by an unfaithful replay: %+v", o)
	}
}

func TestPareto(t *testing.T) {
	trials := []Trial{
		trial(1, Played, 0, [2]int{5, 5}, [2]int{5, 5}, [2]int{5, 5}),
		trial(2, Played, 0, [2]int{4, 6}, [2]int{4, 6}, [2]int{0, 0}),
		trial(3, Played, 0, [2]int{5, 6}, [2]int{5, 6}, [2]int{0, 0}), // dominated by 1
		trial(4, Played, 0, [2]int{9, 1}, [2]int{9, 1}, [2]int{0, 0}),
		trial(5, Played, 0, [2]int{9, 1}, [2]int{9, 1}, [2]int{0, 0}), // the same as 4
	}
	var got []int
	for _, p := range judged().pareto(trials) {
		got = append(got, p.ID)
	}
	if len(got) != 3 || got[0] != 2 || got[1] != 1 || got[2] != 4 {
		t.Errorf("front %v, want [2 1 4]: cheapest first", got)
	}
}
