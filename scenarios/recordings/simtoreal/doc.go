// Package simtoreal compares what the simulator says with what happened against a
// real control plane: the decisions of a replay with those of the live controller
// and of the HorizontalPodAutoscaler beside it, and the prediction for a policy with
// the run of that policy. Package record makes the recordings. Nothing that is
// judged is measured through what is judged: what happened comes from watches of the
// API server and from the generator of the load.
package simtoreal

// A Karpenter runs a command line of karpenter and returns what it printed.
type Karpenter func(arguments ...string) (stdout string, err error)
