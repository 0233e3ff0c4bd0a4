// Package fleet judges many autoscalers side by side, each by a report of its own: a
// Plan says what a change of policies does to each.
//
// A Plan's rows compare two columns of a report, the policy before and after. Both
// are measured by one yardstick, that of the policy before, and Guards decide:
//
//   - breach: not more minutes than before, and the noise. A stretch that lacks
//     capacity ends at a slot, whose distance from the demand is anything below one
//     polling interval. Two runs that differ in nothing but where their slots fall
//     thus differ, over n stretches, by a sum of n differences of uniform variables:
//     with a standard deviation of the interval x sqrt(n/6). The noise is the
//     interval x sqrt(n), 2.4 of those, or twice the range of what the policy before
//     breaches at slots a third and two thirds of an interval later, if that is more:
//     a count that is decided earlier or later also changes what follows.
//   - cost: not more than 10 % above before; the cost where prices are known, else
//     replica-hours.
//
// What cannot be played, measured or ranked is a row that says why, and no Guard
// passes it.
package fleet
