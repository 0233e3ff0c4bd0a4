// Package behavior shapes a recommendation into a decision: stabilization
// windows over past recommendations, rate policies over past scale events, and
// bounds. Each stage returns the number and, where it changed it, what limited
// it, as data.
//
// Time is a slot. An entry exactly as old as its window, or an event exactly as
// old as its period, is out.
package behavior
