package behavior

import "github.com/karpenter-sim/karpenter/engine/slot"

// A Stage is where a number was changed.
type Stage string

// The stages in the order in which they act.
const (
	Stabilization Stage = "stabilization"
	Rate          Stage = "rate"
	Bounds        Stage = "bounds"
	Pausing       Stage = "pause"
)

// A Direction is that of the wanted change.
type Direction string

// The directions.
const (
	Up   Direction = "up"
	Down Direction = "down"
)

// A Limit says what kept a number from being what the stage before wanted. The
// zero Limit means that nothing did.
type Limit struct {
	Stage     Stage
	Direction Direction
	// Policy is the index of the rate policy, -1 where selectPolicy is Disabled
	// and for the other stages.
	Policy int
	// Used and Left are the budget of the rate policy in replicas: what its
	// period has already seen in this direction, and what was still allowed.
	Used, Left int32
	// Until is when the limiting entry leaves its window, when the rate policy's
	// budget next grows, or when a pause ends; 0 for bounds, Disabled and a pause
	// without an end.
	Until slot.Slot
}
