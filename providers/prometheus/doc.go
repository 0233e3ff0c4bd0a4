// Package prometheus asks a Prometheus server over its HTTP API. It answers as
// the simulator's fake does, so that a decision cannot tell them apart.
//
// A query that several autoscalers ask at the same instant is sent once. What
// went wrong becomes one of the errors of engine/cycle; the server's own words
// stay in the error's text, for logs. Credentials reach neither.
package prometheus
