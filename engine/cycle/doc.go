// Package cycle is the one driver of decisions, behind a real clock in the
// controller and a simulated one in the simulator. It takes each decision
// through the same eight steps - load, compile, observe, step, commit, actuate,
// journal, next slot - and reaches the world only through the ports it declares.
//
// The caller says what time it is; the driver says when to call again. Late,
// early and repeated calls decide nothing twice.
package cycle
