package cycle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// TestCode holds every sentinel's code, through wrapping.
func TestCode(t *testing.T) {
	for _, c := range []struct {
		reason string
		err    error
		want   observation.Code
	}{
		{"no error", nil, ""},
		{"the queue, group or target is gone", ErrNotFound, observation.NotFound},
		{"a missing role", ErrForbidden, observation.Forbidden},
		{"rejected", ErrInvalid, observation.Invalid},
		{"429", ErrThrottled, observation.Throttled},
		{"a deadline of the adapter", ErrTimedOut, observation.TimedOut},
		{"a deadline of the context", context.DeadlineExceeded, observation.TimedOut},
		{"5xx", ErrUnavailable, observation.Unavailable},
		{"409", ErrConflict, observation.Conflict},
		{"another change is under way", ErrInProgress, observation.InProgress},
		{"a quota", ErrLimit, observation.LimitReached},
		{"bad_data", ErrBadQuery, observation.BadQuery},
		{"a matrix or string", ErrWrongType, observation.WrongType},
		{"whatever else", errors.New("connection reset by peer"), observation.Unavailable},
		{"cancelled, as at shutdown", context.Canceled, observation.Unavailable},
		{"of several, what can be acted on", errors.Join(ErrTimedOut, ErrForbidden), observation.Forbidden},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("somewhere: %w", err)
		}
		if got := Code(err); got != c.want {
			t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
		}
	}
}

// TestQueryResults holds what each result of a query is in the record: a typed
// observation, and never a direction.
func TestQueryResults(t *testing.T) {
	type result struct {
		samples int
		value   float64
		err     error
	}
	cases := map[string]struct {
		reason string
		result result
		want   journal.Metric
	}{
		"Number":    {"one sample", result{1, 70, nil}, journal.Metric{Value: 70, Recommendation: 7}},
		"Empty":     {"nothing matched", result{0, 0, nil}, journal.Metric{Code: observation.Empty}},
		"Many":      {"aggregate in the query", result{3, 0, nil}, journal.Metric{Code: observation.ManySeries}},
		"Negative":  {"the number is kept for the reader", result{1, -2, nil}, journal.Metric{Value: -2, Code: observation.Negative}},
		"TooLarge":  {"the number is kept for the reader", result{1, 1e300, nil}, journal.Metric{Value: 1e300, Code: observation.OutOfRange}},
		"Failed":    {"5xx", result{0, 0, ErrUnavailable}, journal.Metric{Code: observation.Unavailable}},
		"BadQuery":  {"the server does not parse it", result{0, 0, ErrBadQuery}, journal.Metric{Code: observation.BadQuery}},
		"WrongType": {"a matrix", result{0, 0, ErrWrongType}, journal.Metric{Code: observation.WrongType}},
		"Timeout":   {"too slow", result{0, 0, context.DeadlineExceeded}, journal.Metric{Code: observation.TimedOut}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newCluster(t)
			w.samples, w.value = c.result.samples, c.result.value
			w.before = once("Query", func() error { return c.result.err })
			w.at(w.driver(), 0)
			c.want.Query, c.want.At = "m", start
			if diff := cmp.Diff([]journal.Metric{c.want}, w.last().Metrics); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
			if c.want.Code != "" && (w.scale.Spec != 5 || w.last().Reason != autoscaler.MetricsUnavailable) {
				t.Errorf("%s: %s to %d", c.reason, w.last().Reason, w.scale.Spec)
			}
		})
	}
}

// Numbers that are none stay out of journal and status, also when the scale is
// unknown and nobody weighs them.
func TestNoNumbers(t *testing.T) {
	for value, code := range map[float64]observation.Code{math.NaN(): observation.NaN, math.Inf(1): observation.Infinite, math.Inf(-1): observation.Infinite} {
		for _, scale := range []error{nil, ErrUnavailable} {
			w := newCluster(t)
			w.value = value
			w.before = once("Get", func() error { return scale })
			w.at(w.driver(), 0)
			if got := w.last().Metrics[0].Code; got != code {
				t.Errorf("%v with scale error %v: code %q, want %q", value, scale, got, code)
			}
			line, _ := journal.Append(nil, w.last())
			if _, err := journal.NewReader(bytes.NewReader(line), "j").Next(); err != nil {
				t.Errorf("%v with scale error %v: %v: %s", value, scale, err, line)
			}
			if got := w.object.Status.CurrentMetrics[0].Prometheus; got.Error != string(code) || got.Current != (v1alpha1.MetricValueStatus{}) {
				t.Errorf("%v with scale error %v: status %+v", value, scale, got)
			}
		}
	}
}

// An unreadable target holds everything, changes no state, and costs one commit.
func TestTargetUnavailable(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.at(a, 0)
	before, commits := w.last().State, w.commits
	w.value = 90
	w.before = func(call string) error {
		if call == "Get" {
			return fmt.Errorf("deployments.apps %q: %w", "web", ErrForbidden)
		}
		return nil
	}
	for seconds := 10; seconds < 50; seconds += 10 {
		w.at(a, seconds)
		r := w.last()
		if r.Reason != autoscaler.TargetUnavailable || r.Known || r.Scale != (autoscaler.Scale{Code: observation.Forbidden}) || r.State != before {
			t.Errorf("recorded %+v", r)
		}
	}
	if w.commits != commits+1 || w.writes != 0 {
		t.Errorf("%d commits and %d writes during the outage", w.commits-commits, w.writes)
	}
	if got, want := w.condition(v1alpha1.ReadyCondition), "False TargetUnavailable: Deployment web: Forbidden: access was denied"; got != want {
		t.Errorf("Ready is %s, want %s", got, want)
	}
	if got := *w.object.Status.DesiredReplicas; got != 5 {
		t.Errorf("the last decision stays in the status, got %d", got)
	}
	w.before = nil
	w.at(a, 50)
	if w.scale.Spec != 9 || w.condition(v1alpha1.ReadyCondition) != "True Ready: the autoscaler works" {
		t.Errorf("after the outage: %d replicas, Ready %s", w.scale.Spec, w.condition(v1alpha1.ReadyCondition))
	}
}

// Two autoscalers on one target: both hold, and the condition names the other.
func TestRival(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	rivals := []Owner{{Kind: "HorizontalAutoscaler", Name: "web-too"}}
	a.Owners = func(target TargetKey) []Owner {
		if want := (TargetKey{"apps", "deployment", "default", "web"}); target != want {
			t.Errorf("asked for %v", target)
		}
		return append([]Owner{{Kind: "HorizontalAutoscaler", Name: "web"}}, rivals...)
	}
	w.value = 90
	w.at(a, 0)
	w.at(a, 10)
	if r := w.last(); r.Scale.Code != observation.Contested || r.Reason != autoscaler.TargetUnavailable || w.writes != 0 || w.commits != 1 {
		t.Errorf("%s %q, %d writes, %d commits", r.Reason, r.Scale.Code, w.writes, w.commits)
	}
	want := "False TargetContested: Deployment web: Contested: HorizontalAutoscaler web-too acts on it too; delete one of them"
	if got := w.condition(v1alpha1.ReadyCondition); got != want {
		t.Errorf("Ready is %s, want %s", got, want)
	}
	rivals = nil
	w.at(a, 20)
	if w.scale.Spec != 9 {
		t.Errorf("alone again: %d replicas", w.scale.Spec)
	}
}

// Queries are evaluated at the slot, not at the wake-up, minus the offset.
func TestQueryInstant(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	a.QueryOffset = 15 * time.Second
	asked := &askedAt{Querier: w}
	a.Metrics = InTurn(asked)
	w.at(a, 13)
	want := (start + 10 - 15).Time()
	if len(asked.instants) != 1 || !asked.instants[0].Equal(want) || w.last().Metrics[0].At.Time() != want {
		t.Errorf("asked at %v, recorded %s, want %s", asked.instants, w.last().Metrics[0].At, want)
	}
}

type askedAt struct {
	Querier
	instants []time.Time
}

func (m *askedAt) Query(ctx context.Context, query string, at time.Time) (Result, error) {
	m.instants = append(m.instants, at)
	return m.Querier.Query(ctx, query, at)
}
