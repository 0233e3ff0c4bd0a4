// Package autoscaler is the decision itself: a value-in, value-out step from a
// state and an input to the next state and a decision. It knows no clock, no
// context, no logger and no error: the slot is an input, a failed read is an
// input, and a bad policy never gets here.
//
//	state, decision = autoscaler.Step(policy, state, input)
//
// The same state and input give the same decision, byte for byte, in the
// controller, in the simulator and in `karpenter verify`.
package autoscaler
