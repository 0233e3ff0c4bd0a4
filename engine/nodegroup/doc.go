// Package nodegroup is the decision about a ScalableNodeGroup: what the
// provider should be told, from three numbers that are kept apart.
//
//   - spec.replicas is what is wanted,
//   - the provider's desired size is what it works towards, and
//   - the ready nodes are what came of it.
//
// Only a desired size that differs from what is wanted is ever set. Ready nodes
// reach the conditions, never a command: nodes that vanish, all at once or one
// by one, shrink nothing. What cannot be read, or is no sane answer, holds.
//
// The provider's own bounds clip what is wanted, and that is reported. An
// absent spec.replicas is adopted from the desired size.
//
// A command that failed is repeated later: after a transient failure with
// doubling, jittered delays; at a limit, such as a quota or a stock-out, with
// longer ones, or at once when fewer nodes are wanted; after a final failure,
// such as missing access, when the spec changes or after ten minutes. Jitter is
// a hash of name, slot and attempt, so that groups spread and a replay repeats.
// Reads are not delayed: they happen once a slot, and providers share them
// among groups.
//
//	state, decision = nodegroup.Step(policy, state, input)
//
// Step knows no clock and no error, as engine/autoscaler's does not.
package nodegroup
