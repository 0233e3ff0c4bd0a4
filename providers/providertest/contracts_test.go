package providertest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// refuses fails the test unless a check finds something wrong.
func refuses[H any](t *testing.T, reason string, h H, check func(*testing.T, H) error) {
	t.Helper()
	if check(t, h) == nil {
		t.Errorf("the suite accepts %s", reason)
	}
}

// A scaled object is correct but for what its fields change.
type scaled struct {
	scale   cycle.Scale
	version int
	failure error
	got     func(cycle.Scale, error) (cycle.Scale, error)
	set     func(s *scaled, observed cycle.Scale, replicas int32) error
}

func (s *scaled) Get(_ context.Context, ref cycle.TargetRef, _ time.Time) (got cycle.Scale, err error) {
	switch {
	case s.failure != nil:
		err = s.failure
	case ref.Name != "web":
		err = cycle.ErrNotFound
	default:
		got = s.scale
		got.Version, got.ReadyLeast, got.ReadyMost = strconv.Itoa(s.version), got.Ready, got.Ready
	}
	if s.got != nil {
		return s.got(got, err)
	}
	return got, err
}

func (s *scaled) Set(_ context.Context, ref cycle.TargetRef, observed cycle.Scale, replicas int32) error {
	switch {
	case s.failure != nil:
		return s.failure
	case ref.Name != "web":
		return cycle.ErrNotFound
	case s.set != nil:
		return s.set(s, observed, replicas)
	case observed.Version != strconv.Itoa(s.version):
		return cycle.ErrConflict
	}
	s.version++
	s.scale.Spec = replicas
	return nil
}

func (s *scaled) harness() ScaleTargetHarness {
	s.scale = cycle.Scale{Spec: 3, Status: 5, Ready: 2}
	return ScaleTargetHarness{
		Targets: s, Ref: cycle.TargetRef{Name: "web"}, Missing: cycle.TargetRef{Name: "wbe"}, Want: s.scale,
		Stored: func() int32 { return s.scale.Spec }, Touch: func() { s.version++ },
		Fail: func(class error) { s.failure = class }, Get: []error{cycle.ErrUnavailable},
		Set: []error{cycle.ErrForbidden, cycle.ErrConflict, cycle.ErrTimedOut},
	}
}

func TestScaleTargetsAcceptsAndRefuses(t *testing.T) {
	ScaleTargets(t, func(*testing.T) ScaleTargetHarness { return (&scaled{}).harness() })
	blind := func(s *scaled, _ cycle.Scale, replicas int32) error {
		s.version++
		s.scale.Spec = replicas
		return nil
	}
	for _, c := range []struct {
		reason string
		broken *scaled
		check  func(*testing.T, ScaleTargetHarness) error
	}{
		{"status in place of ready", &scaled{got: func(s cycle.Scale, err error) (cycle.Scale, error) { s.Ready = s.Status; return s, err }}, readsScale},
		{"a write without looking at the version", &scaled{set: blind}, refusesOldScale},
		{"a second write by the same version", &scaled{set: blind}, refusesWrittenScale},
		{"a write that is lost", &scaled{set: func(s *scaled, _ cycle.Scale, _ int32) error { s.version++; return nil }}, setsScale},
		{"a write that leaves the version", &scaled{set: func(s *scaled, _ cycle.Scale, n int32) error { s.scale.Spec = n; return nil }}, setsScale},
		{"counts beside an error", &scaled{got: func(s cycle.Scale, err error) (cycle.Scale, error) { s.Spec = 3; return s, err }}, failsToGet},
		{"an error without a class", &scaled{got: func(s cycle.Scale, err error) (cycle.Scale, error) {
			if err != nil {
				err = fmt.Errorf("%v", err)
			}
			return s, err
		}}, missesScale},
	} {
		refuses(t, c.reason, c.broken.harness(), c.check)
	}
}

// A keeper keeps one autoscaler, correctly but for what its fields change.
type keeper struct {
	object *v1alpha1.HorizontalAutoscaler
	next   int
	lends  bool // its own object
	merges bool // what a new status leaves out stays
	blind  bool // to versions
	keeps  *v1alpha1.HorizontalAutoscalerStatus
	keep   bool // the status that it was given
}

func (k *keeper) Load(_ context.Context, name types.NamespacedName) (cycle.Stored[*v1alpha1.HorizontalAutoscaler], error) {
	if name.Name != k.object.Name {
		return cycle.Stored[*v1alpha1.HorizontalAutoscaler]{}, cycle.ErrNotFound
	}
	if k.keep && k.keeps != nil {
		k.object.Status = *k.keeps
	}
	o := k.object
	if !k.lends {
		o = o.DeepCopy()
	}
	return cycle.Stored[*v1alpha1.HorizontalAutoscaler]{Object: o, Version: strconv.Itoa(k.next)}, nil
}

func (k *keeper) Commit(_ context.Context, name types.NamespacedName, version string, status *v1alpha1.HorizontalAutoscalerStatus) (string, error) {
	switch {
	case name.Name != k.object.Name:
		return "", cycle.ErrNotFound
	case version != strconv.Itoa(k.next) && !k.blind:
		return "", cycle.ErrConflict
	}
	k.next++
	kept := k.object.Status.Conditions
	k.object.Status, k.keeps = *status.DeepCopy(), status
	if k.merges && len(status.Conditions) == 0 {
		k.object.Status.Conditions = kept
	}
	return strconv.Itoa(k.next), nil
}

func (k *keeper) harness() AutoscalerStoreHarness {
	h := NewAutoscalerStoreHarness()
	k.object = &v1alpha1.HorizontalAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}}
	h.Store, h.Name = k, types.NamespacedName{Namespace: "default", Name: "web"}
	h.Missing = types.NamespacedName{Namespace: "default", Name: "wbe"}
	h.Touch, h.Recreate = func() { k.next++ }, func() { k.next += 7 }
	return h
}

func TestStoreAcceptsAndRefuses(t *testing.T) {
	Store(t, func(*testing.T) AutoscalerStoreHarness { return (&keeper{}).harness() })
	type check = func(*testing.T, AutoscalerStoreHarness) error
	for _, c := range []struct {
		reason string
		broken *keeper
		check  check
	}{
		{"a store that lends its own object", &keeper{lends: true}, loadsObject[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]},
		{"a commit that merges", &keeper{merges: true}, commitsLess[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]},
		{"a commit of an old version", &keeper{blind: true}, refusesOldCommit[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]},
		{"a second commit of a version", &keeper{blind: true}, refusesSecondCommit[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]},
		{"a namesake's version", &keeper{blind: true}, refusesNamesake[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]},
		{"a store that keeps the status it was given", &keeper{keep: true}, keepsNoStatus[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]},
	} {
		refuses(t, c.reason, c.broken.harness(), c.check)
	}
}

// A source answers by a table, correctly but for what its fields change.
type source struct {
	failure error
	hangs   bool
	answer  func(i int, answers []cycle.Answer)
}

func (s *source) QueryAll(ctx context.Context, queries []cycle.Query, _ time.Time, within time.Duration, answers []cycle.Answer) {
	refused := map[string]error{"sum(": cycle.ErrBadQuery, "total(one)": cycle.ErrBadQuery, "rate(one)": cycle.ErrBadQuery, `"text"`: cycle.ErrWrongType, "one[5m]": cycle.ErrWrongType}
	for i, q := range queries {
		answers[i] = cycle.Answer{Result: cycle.Result{}, Err: refused[q.Text]}
		for _, e := range append(expectations, expectation{"one + 0", cycle.Result{Samples: 1, Value: 1.5}}) {
			if e.query == q.Text {
				answers[i].Result = e.want
			}
		}
		switch {
		case s.failure != nil:
			answers[i] = cycle.Answer{Err: s.failure}
		case s.hangs:
			answers[i] = cycle.Answer{Err: cycle.ErrTimedOut}
		}
		if s.answer != nil {
			s.answer(i, answers)
		}
	}
}

func (s *source) harness() MetricHarness {
	return MetricHarness{
		Source: s, At: time.Unix(1767600000, 0), Fail: func(class error) { s.failure = class },
		Classes: []error{cycle.ErrUnavailable, cycle.ErrTimedOut}, Hang: func() { s.hangs = true },
	}
}

func TestMetricSourceAcceptsAndRefuses(t *testing.T) {
	MetricSource(t, func(*testing.T) MetricHarness { return (&source{}).harness() })
	for _, c := range []struct {
		reason string
		broken *source
		check  func(*testing.T, MetricHarness) error
	}{
		{"answers in another order", &source{answer: func(i int, answers []cycle.Answer) {
			if i > 0 {
				answers[i-1], answers[i] = answers[i], answers[i-1]
			}
		}}, answersInOrder},
		{"0 for nothing", &source{answer: func(i int, answers []cycle.Answer) {
			if answers[i].Err == nil {
				answers[i].Result.Samples = max(answers[i].Result.Samples, 1)
			}
		}}, answersAll},
		{"0 for NaN", &source{answer: func(i int, answers []cycle.Answer) {
			if answers[i].Result.Value != answers[i].Result.Value {
				answers[i].Result.Value = 0
			}
		}}, answersAll},
		{"a value beside an error", &source{answer: func(i int, answers []cycle.Answer) { answers[i].Result.Samples = 1 }}, failsToAnswer},
		{"an error without a class", &source{answer: func(i int, answers []cycle.Answer) {
			if answers[i].Err != nil {
				answers[i].Err = errors.New("it failed")
			}
		}}, refusesQueries},
	} {
		refuses(t, c.reason, c.broken.harness(), c.check)
	}
}
