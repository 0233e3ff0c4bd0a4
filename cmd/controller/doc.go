// Command controller runs the autoscalers of a cluster: the driver of engine/cycle
// behind the real clock, an API server and a Prometheus. Every decision goes to the
// journal. This is the only place where the real clock comes in.
package main
