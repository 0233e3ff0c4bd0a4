// Command checkout makes the project's own recording. It is three small
// programs in one, because they share a load curve and series names:
//
//	checkout serve   an HTTP service whose capacity depends on how many replicas
//	                 it is given, the autoscaler that gives them, and both
//	                 programs' metrics
//	checkout load    sends it one compressed day of requests
//	checkout export  writes the samples Prometheus stored as OpenMetrics text
//
// ../make runs them around a real Prometheus server. The replicas are simulated
// inside one process: a replica is two workers that are busy for 200 ms a
// request on average, so it serves ten requests a second. Everything else
// (requests, queueing, refusals, scrapes) really happens.
package main
