// Package promql decides what the text of a query may read. It stands before
// whatever answers queries, a server's client or the simulator's Prometheus, and
// knows neither.
package promql
