// Package fault makes things go wrong in a run, where they go wrong in
// production: on the samples before PromQL, on the answers of Prometheus, and on
// each call of every port that a driver has (engine/cycle). Every port has one
// decorator here; what a fault does to one port is one file.
//
// Chance is drawn under the scenario's seed, for each fault, object and instant
// apart, so that one object more changes nothing for the others, and a controller
// that calls more often, or not at all for a while, nothing for later.
package fault
