package cycle

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/slot"
)

func TestNextWake(t *testing.T) {
	start := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	cases := map[string]struct {
		reason string
		now    time.Time
		err    error
		want   Wake
	}{
		"Decided": {
			reason: "a decided slot needs nothing before the next one",
			now:    at(2 * time.Second), want: Wake{at(10 * time.Second), NextSlot},
		},
		"Conflict": {
			reason: "a slot that met a conflict is not over, so it is tried again soon",
			now:    at(2 * time.Second), err: fmt.Errorf("web: %w", ErrConflict), want: Wake{at(3 * time.Second), RetryConflict},
		},
		"Store": {
			reason: "a store that does not answer now may answer before the slot is over",
			now:    at(2 * time.Second), err: errors.New("connection refused"), want: Wake{at(3 * time.Second), RetryStore},
		},
		"SlotOver": {
			reason: "the next slot takes the place of one that could not be decided",
			now:    at(9 * time.Second), err: ErrConflict, want: Wake{at(10 * time.Second), NextSlot},
		},
		"Late": {
			reason: "a call that outlasted its slot is followed by the next one at once",
			now:    at(12 * time.Second), err: ErrConflict, want: Wake{at(10 * time.Second), NextSlot},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := NextWake(c.now, slot.At(at(10*time.Second)), c.err); got != c.want {
				t.Errorf("%s: got %+v, want %+v", c.reason, got, c.want)
			}
		})
	}
}
