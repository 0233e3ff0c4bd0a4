package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// playBacklog plays testdata/backlog.yaml, changed, with a decider.
func playBacklog(t *testing.T, d func() Decider, o CheckOptions, changes ...string) (*result.Run, error) {
	t.Helper()
	file := loadText(t, strings.NewReplacer(changes...).Replace(readText(t, "testdata/backlog.yaml")))
	o.Deciders = map[string]func() Decider{"theirs": d}
	s, err := Check(context.Background(), file, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Play(context.Background(), PlayOptions{})
}

// want returns a decider that wants a count.
func want(replicas int64) func(context.Context, Observation) (Decision, error) {
	return func(context.Context, Observation) (Decision, error) { return Decision{Replicas: replicas}, nil }
}

// TestBadDeciders holds that whatever somebody else's autoscaler does is counted with
// a code in its column, that the target stays as it is, and that the run goes on.
func TestBadDeciders(t *testing.T) {
	const slots = 120
	cases := map[string]struct {
		reason string
		decide DeciderFunc
		code   observation.Code
		detail string
	}{
		"Fails": {"an error has a code of its own",
			func(context.Context, Observation) (Decision, error) { return Decision{}, errors.New("no idea\nat all") }, result.Failed, `no idea\nat all`},
		"FailsTyped": {"an error of package cycle keeps its code",
			func(context.Context, Observation) (Decision, error) {
				return Decision{}, fmt.Errorf("model: %w", cycle.ErrThrottled)
			}, observation.Throttled, "model: throttled"},
		"Panics": {"a panic is one decision that failed",
			func(_ context.Context, o Observation) (Decision, error) {
				return Decision{Replicas: int64(o.Metrics[7].Value)}, nil
			}, result.Panicked, "runtime error: index out of range [7] with length 1"},
		"PanicsNil": {"so is one without a value",
			func(context.Context, Observation) (Decision, error) { panic(nil) }, result.Panicked, "panic called with nil argument"},
		"Exits": {"so is the end of the goroutine, as by t.FailNow",
			func(context.Context, Observation) (Decision, error) { runtime.Goexit(); return Decision{}, nil }, result.Panicked, "it ended its goroutine"},
		"Negative": {"no count is negative", want(-1), observation.Invalid, "it wants -1 replicas; a count is 0 to 2147483647"},
		"Enormous": {"no count has more than 31 bits", want(1 << 40), observation.Invalid, "it wants 1099511627776 replicas; a count is 0 to 2147483647"},
		"Too many": {"the world has an end", want(1 << 30), observation.LimitReached, "it wants 1073741824 replicas; the simulation has at most 30000"},
		"Late": {"what takes an interval comes too late", func(context.Context, Observation) (Decision, error) {
			return Decision{Replicas: 5, After: 30 * time.Second}, nil
		}, observation.TimedOut, "it answered after 30s, and is asked every 30 s"},
		"Backwards": {"nothing is decided before it was asked", func(context.Context, Observation) (Decision, error) { return Decision{Replicas: 5, After: -1}, nil }, observation.TimedOut, "it answered after -1ns, and is asked every 30 s"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			run, err := playBacklog(t, func() Decider { return c.decide }, CheckOptions{})
			if err != nil {
				t.Fatal(err)
			}
			theirs := run.Columns[len(run.Columns)-1]
			wanted := []result.Failure{{Object: run.Columns[0].Objects[0].Journal, Code: c.code, Count: slots, First: run.Start, Detail: c.detail}}
			if diff := cmp.Diff(wanted, theirs.Failures); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
			if diff := cmp.Diff([]float64{2}, theirs.Objects[0].Spec.V); diff != "" {
				t.Errorf("the target moved (-want +got):\n%s", diff)
			}
		})
	}
}

// A decider that hangs is late from then on; it is not asked while it may still be
// busy.
func TestHangingDecider(t *testing.T) {
	release, asked := make(chan struct{}), 0
	defer close(release)
	run, err := playBacklog(t, func() Decider {
		return DeciderFunc(func(context.Context, Observation) (Decision, error) {
			if asked++; asked == 2 {
				<-release
			}
			return Decision{Replicas: 3}, nil
		})
	}, CheckOptions{Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	theirs := run.Columns[1]
	if f := theirs.Failures; len(f) != 1 || f[0].Code != observation.TimedOut || f[0].Count != 119 || f[0].First != run.Start+30 {
		t.Errorf("failures %+v, want 119 that timed out, from the second slot on", f)
	}
	if diff := cmp.Diff([]float64{3}, theirs.Objects[0].Spec.V); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// A decider that gives up with its context is one that failed, and is asked again.
func TestPatientDecider(t *testing.T) {
	asked := 0
	run, err := playBacklog(t, func() Decider {
		return DeciderFunc(func(ctx context.Context, _ Observation) (Decision, error) {
			if asked++; asked == 1 {
				<-ctx.Done()
				return Decision{}, ctx.Err()
			}
			return Decision{Replicas: 3}, nil
		})
	}, CheckOptions{Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if f := run.Columns[1].Failures; len(f) != 1 || f[0].Code != observation.TimedOut || f[0].Count != 1 {
		t.Errorf("failures %+v, want one that timed out", f)
	}
}

// Decisions take effect when they are made, and only if nobody else has changed the
// count in between.
func TestSlowDecider(t *testing.T) {
	run, err := playBacklog(t, func() Decider {
		return DeciderFunc(func(_ context.Context, o Observation) (Decision, error) {
			return Decision{Replicas: int64(o.Scale.Spec) + 1, After: 10 * time.Second}, nil
		})
	}, CheckOptions{}, "duration: 1h", "duration: 1m")
	if err != nil {
		t.Fatal(err)
	}
	spec := run.Columns[1].Objects[0].Spec
	if diff := cmp.Diff(result.Steps{T: []int64{run.Start, run.Start + 10, run.Start + 40}, V: []float64{2, 3, 4}}, spec); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Deciders see the scenario's faults.
func TestDeciderFaults(t *testing.T) {
	var seen []string
	run, err := playBacklog(t, func() Decider {
		return DeciderFunc(func(_ context.Context, o Observation) (Decision, error) {
			seen = append(seen, fmt.Sprintf("%s %d/%d %q %v%q", o.Time.Format("04:05"), o.Scale.Ready, o.Scale.Spec, o.Scale.Code, o.Metrics[0].Value, o.Metrics[0].Code))
			return Decision{Replicas: int64(o.Scale.Spec) + 1}, nil
		})
	}, CheckOptions{}, "duration: 1h", `duration: 2m
  faults:
    - {name: blind, at: 30s, for: 30s, metrics: down}
    - {name: gone, at: 1m, for: 30s, target: unreadable}
    - {name: refused, at: 90s, for: 30s, target: forbidden}`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`00:00 2/2 "" 200""`, `00:30 3/3 "" 0"Unavailable"`, `01:00 0/0 "Unavailable" 200""`, `01:30 4/4 "" 200""`}, seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	var codes []observation.Code
	for _, f := range run.Columns[1].Failures {
		codes = append(codes, f.Code)
	}
	if diff := cmp.Diff([]observation.Code{observation.Forbidden, observation.Unavailable}, codes); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestDeciderNames(t *testing.T) {
	file := loadText(t, readText(t, "testdata/backlog.yaml"))
	for _, name := range []string{"", "a b", "current", "baseline", "oracle", "recorded", "../up"} {
		s, err := Check(context.Background(), file, CheckOptions{Deciders: map[string]func() Decider{name: func() Decider { return DeciderFunc(want(1)) }}})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("decider %q: ", name)) {
			t.Errorf("%q: %v", name, err)
		}
		if s != nil {
			s.Close()
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
