// Package check judges a run: the expectations that a scenario states in
// PromQL, over the series of the run itself.
//
// Nothing passes by having nothing to say: an expression without a sample, or
// one that was never judged, fails.
package check
