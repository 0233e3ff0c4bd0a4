package autoscaler

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A Pause says what annotations hold back at a slot. The zero Pause is none.
type Pause struct {
	// Down and Up are the directions in which nothing is scaled.
	Down, Up bool
	// Fixed says that the count is held at Replicas, whatever else is wanted.
	Fixed    bool
	Replicas int32
	// Until is the slot at which the pause is over, 0 if nobody said.
	Until slot.Slot
	// Unreadable says that an annotation could not be read, so that nothing is scaled.
	Unreadable bool
}

// Whole says whether nothing is decided freely, in either direction.
func (p *Pause) Whole() bool { return p.Fixed || p.Down && p.Up }

// PauseAt reads the pause of an object with these annotations that is in effect at a
// slot. An error names the annotation that cannot be read, and what is allowed; the
// pause is then one in both directions.
func PauseAt(annotations map[string]string, now slot.Slot) (Pause, error) {
	paused, held := annotations[v1alpha1.PausedAnnotation]
	down, in := annotations[v1alpha1.PausedScaleInAnnotation]
	up, out := annotations[v1alpha1.PausedScaleOutAnnotation]
	until, ends := annotations[v1alpha1.PausedUntilAnnotation]
	if !held && !in && !out && !ends {
		return Pause{}, nil
	}
	var p Pause
	var r pauseReader
	if held && !r.flag(paused, &p.Down) {
		n, err := strconv.ParseUint(paused, 10, 31)
		if err != nil {
			r.fail(v1alpha1.PausedAnnotation, paused, fmt.Sprintf("true, false or a number of replicas up to %d", math.MaxInt32))
		}
		p.Fixed, p.Replicas = true, int32(n)
	}
	p.Up = p.Down
	if in && !r.flag(down, &p.Down) {
		r.fail(v1alpha1.PausedScaleInAnnotation, down, "true or false")
	}
	if out && !r.flag(up, &p.Up) {
		r.fail(v1alpha1.PausedScaleOutAnnotation, up, "true or false")
	}
	if ends {
		at, err := time.Parse(time.RFC3339, until)
		if err != nil {
			r.fail(v1alpha1.PausedUntilAnnotation, until, "a time such as 2026-01-05T08:00:00Z")
		}
		p.Until = slot.At(at)
		if !held && !in && !out {
			p.Down, p.Up = true, true
		}
	}
	switch {
	case r.err != nil:
		return Pause{Down: true, Up: true, Unreadable: true}, r.err
	case ends && now >= p.Until, !p.Fixed && !p.Down && !p.Up:
		return Pause{}, nil
	case p.Fixed:
		p.Down, p.Up = false, false
	}
	return p, nil
}

// PausesOf lists what pauses besides a time, as paused=true, paused-scale-in=true;
// empty for nothing.
func PausesOf(annotations map[string]string) string {
	var set []string
	for _, name := range []string{v1alpha1.PausedAnnotation, v1alpha1.PausedScaleInAnnotation, v1alpha1.PausedScaleOutAnnotation} {
		if value, found := annotations[name]; found {
			_, short, _ := strings.Cut(name, "/")
			set = append(set, fmt.Sprintf("%s=%.60s", short, value))
		}
	}
	return strings.Join(set, ", ")
}

// A pauseReader keeps the first error.
type pauseReader struct{ err error }

// flag reads true or false, as YAML writes them; true leaves what is set already.
func (r *pauseReader) flag(text string, set *bool) bool {
	switch text {
	case "true", "True", "TRUE":
		*set = true
	case "false", "False", "FALSE":
	default:
		return false
	}
	return true
}

func (r *pauseReader) fail(annotation, text, allowed string) {
	if r.err == nil {
		r.err = fmt.Errorf("metadata.annotations[%s]: %.60q is not %s", annotation, text, allowed)
	}
}

// pause is the last stage: it holds back what the others decided.
func (d *Decision) pause(p *Pause, current int32) {
	to := d.Desired
	switch {
	case p.Fixed:
		to = p.Replicas
	case d.Desired < current && p.Down, d.Desired > current && p.Up:
		to = current
	}
	if to == d.Desired {
		return
	}
	direction := behavior.Down
	if d.Desired > to {
		direction = behavior.Up
	}
	d.Desired, d.Reason = to, Paused
	d.Limit = behavior.Limit{Stage: behavior.Pausing, Direction: direction, Policy: -1, Until: p.Until}
}
