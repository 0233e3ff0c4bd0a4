// Package soak looks for what no test thought of: it draws random policies,
// worlds and faults, plays them, and holds the journals to what must be true
// of any run. What breaks is made as small as it can be and becomes a scenario
// file with the command that repeats it.
//
// The invariants (invariants.go) recompute nothing with the engine's own code
// except where they say so: bounds, rate policies (rate.go), never down on
// missing data, nobody but the autoscaler moving the count, convergence under
// constant demand, a journal that verifies. Others play the case again with a
// difference that must not matter (again.go): twice, with another future, with
// the controller restarted.
//
// A case is a function of its seed, on any machine and at any time.
package soak
