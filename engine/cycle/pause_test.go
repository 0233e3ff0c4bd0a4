package cycle

import (
	"fmt"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
)

// annotate changes an annotation as kubectl would: the generation stays as it is.
func (c *cluster) annotate(suffix, value string) {
	c.object = c.object.DeepCopy()
	if c.object.Annotations == nil {
		c.object.Annotations = map[string]string{}
	}
	c.object.Annotations[v1alpha1.PausedAnnotation+suffix] = value
	if value == "" {
		delete(c.object.Annotations, v1alpha1.PausedAnnotation+suffix)
	}
	c.version++
}

// Annotations are read at each slot, and the status says what they hold back.
func TestPause(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.value = 80
	steps := []struct {
		reason        string
		suffix, value string
		replicas      int32
		is            autoscaler.Reason
		shown         string
		want          map[string]string
	}{
		{"paused at once, at the next slot", "", "true", 5, autoscaler.Paused, "Paused", map[string]string{
			v1alpha1.AbleToScaleCondition: "False Paused: nothing is scaled, by annotation",
			v1alpha1.PausedCondition:      "True Paused: nothing is scaled, by annotation",
		}},
		{"a count", "", "7", 7, autoscaler.Paused, "Paused", map[string]string{
			v1alpha1.AbleToScaleCondition: "False Paused: the replicas are held at 7, by annotation",
			v1alpha1.PausedCondition:      "True Paused: the replicas are held at 7, by annotation",
		}},
		{"that is there by now", "", "7", 7, autoscaler.Paused, "Paused", map[string]string{
			v1alpha1.AbleToScaleCondition: "False Paused: the replicas are held at 7, by annotation",
			v1alpha1.PausedCondition:      "True Paused: the replicas are held at 7, by annotation",
		}},
		{"one that cannot be read holds, and says so", "", "yes", 7, autoscaler.Paused, PauseUnreadable, map[string]string{
			v1alpha1.ReadyCondition:       `False PauseUnreadable: metadata.annotations[autoscaling.karpenter.sh/paused]: "yes" is not true, false or a number of replicas up to 2147483647: nothing is scaled until it can be read, or is removed`,
			v1alpha1.AbleToScaleCondition: `False PauseUnreadable: metadata.annotations[autoscaling.karpenter.sh/paused]: "yes" is not true, false or a number of replicas up to 2147483647: nothing is scaled until it can be read, or is removed`,
			v1alpha1.PausedCondition:      `True PauseUnreadable: metadata.annotations[autoscaling.karpenter.sh/paused]: "yes" is not true, false or a number of replicas up to 2147483647: nothing is scaled until it can be read, or is removed`,
		}},
		{"taken away it goes on", "", "", 8, autoscaler.ScaledUp, "ScaledUp", map[string]string{
			v1alpha1.PausedCondition: "False Resumed: no annotation pauses it",
		}},
		{"one direction that is not wanted", "-scale-in", "true", 8, autoscaler.Unchanged, "Unchanged", map[string]string{
			v1alpha1.PausedCondition: "True Paused: nothing is scaled down, by annotation",
		}},
		{"until a time that has not come", "-until", "2126-01-05T08:00:00Z", 8, autoscaler.Unchanged, "Unchanged", map[string]string{
			v1alpha1.PausedCondition: "True Paused: nothing is scaled down until 2126-01-05T08:00:00Z, by annotation",
		}},
		{"until a time that has", "-until", "2020-01-05T08:00:00Z", 8, autoscaler.Unchanged, "Unchanged", map[string]string{
			v1alpha1.PausedCondition: "False Resumed: autoscaling.karpenter.sh/paused-until=2020-01-05T08:00:00Z is over and has ended paused-scale-in=true; a pause that is changed or set from now on holds",
		}},
	}
	w.value = 50
	w.at(a, 0)
	if got := w.condition(v1alpha1.PausedCondition); got != "" {
		t.Errorf("never paused: %s", got)
	}
	w.value = 80
	for i, c := range steps {
		w.annotate(c.suffix, c.value)
		if i == 3 {
			a = w.driver() // a restart reads them as well
		}
		w.at(a, 10*(i+1))
		if r := w.last(); w.scale.Spec != c.replicas || r.Reason != c.is || w.object.Status.Reason != c.shown || r.Generation != 1 {
			t.Errorf("%s: %d replicas, %s, shown as %s, generation %d; want %d, %s, %s, 1", c.reason, w.scale.Spec, r.Reason, w.object.Status.Reason, r.Generation, c.replicas, c.is, c.shown)
		}
		for kind, want := range fine {
			if other, ok := c.want[kind]; ok {
				want = other
			}
			if got := w.condition(kind); got != want {
				t.Errorf("%s: %s is\n%s, want\n%s", c.reason, kind, got, want)
			}
		}
		if got := w.condition(v1alpha1.PausedCondition); got != c.want[v1alpha1.PausedCondition] {
			t.Errorf("%s: Paused is\n%s, want\n%s", c.reason, got, c.want[v1alpha1.PausedCondition])
		}
	}
}

// A time that is over ends the pauses that stood beside it, and none that is set or
// changed later, whatever restarts.
func TestPauseAfterUntil(t *testing.T) {
	const past, other = "2020-01-05T08:00:00Z", "2020-01-05T09:00:00Z"
	type step struct {
		reason        string
		suffix, value string
		paused        bool
	}
	cases := map[string][]step{
		"SetLater": {
			{"the time alone pauses nothing any more", "-until", past, false},
			{"what is set after it holds", "", "true", true},
			{"as it does changed", "", "3", true},
			{"and taken away no more", "", "", false},
			{"and set anew again", "", "3", true},
			{"until the time says again that it is over", "-until", other, false},
		},
		"Changed": {
			{"a pause", "", "true", true},
			{"that a time ends", "-until", past, false},
			{"it holds no more", "", "true", false},
			{"another one beside it is set later", "-scale-in", "true", true},
		},
		"Both": {
			{"a pause", "", "true", true},
			{"whose end lies behind", "-until", past, false},
			{"what cannot be read pauses, whenever it was set", "", "ture", true},
			{"corrected, it is the pause that was meant", "", "true", true},
		},
		"Removed": {
			{"a pause", "", "true", true},
			{"that is over", "-until", past, false},
			{"without a time it holds", "-until", "", true},
		},
	}
	for name, steps := range cases {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/restarts=%v", name, restarts), func(t *testing.T) {
				w := newCluster(t)
				a := w.driver()
				w.at(a, 0)
				for i, s := range steps {
					w.annotate(s.suffix, s.value)
					for k := range 2 { // a second slot decides alike
						if restarts {
							a = w.driver()
						}
						w.at(a, 20*(i+1)+10*k)
						if got := w.last().Paused != (autoscaler.Pause{}); got != s.paused {
							t.Fatalf("step %d, slot %d: %s: paused is %v, want %v; %s", i, k, s.reason, got, s.paused, w.condition(v1alpha1.PausedCondition))
						}
					}
				}
			})
		}
	}
}
