package cycle

import (
	"errors"
	"time"

	"github.com/karpenter-sim/karpenter/engine/slot"
)

// RetryAfter is how soon a slot is tried again that could not be committed.
const RetryAfter = time.Second

// A Cause says why an object is called again.
type Cause string

// The causes of wake-ups.
const (
	NextSlot      Cause = "NextSlot"      // its next slot comes
	RetryConflict Cause = "RetryConflict" // somebody else wrote the object while the slot was decided
	RetryStore    Cause = "RetryStore"    // the store did not answer, or refused, for another reason
)

// A Wake says when an object is called again, and why.
type Wake struct {
	At    time.Time
	Cause Cause
}

// NextWake returns the wake-up that follows a call of Reconcile, which returned
// next and err and was over at now. A slot that could not be committed is tried
// again after RetryAfter, until the next one takes its place.
func NextWake(now time.Time, next slot.Slot, err error) Wake {
	w := Wake{At: next.Time(), Cause: NextSlot}
	retry := now.Add(RetryAfter)
	if err == nil || !retry.Before(w.At) {
		return w
	}
	w.At, w.Cause = retry, RetryStore
	if errors.Is(err, ErrConflict) {
		w.Cause = RetryConflict
	}
	return w
}
