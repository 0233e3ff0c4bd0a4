// Package sim plays a scenario: the engine's own driver behind a simulated
// clock, a fake Prometheus and a world that its decisions act on.
//
// A program needs four calls, and reports for the figures:
//
//	file, err := sim.Load("checkout.yaml")                                                     // one scenario with its manifests
//	simulation, err := sim.Check(ctx, file, sim.CheckOptions{Report: reports.CheckExpression}) // everything that is wrong with it
//	run, err := simulation.Play(ctx, sim.PlayOptions{})                                        // every column; see sim/result
//	report, err := reports.Compute(run)                                                        // figures, causes, the report
//
// Somebody else's autoscaler plays as a column of its own: a Decider is shown a target
// and its metrics at every slot, and returns how many replicas it wants. The examples
// of Decider have a function of ten lines and a reconciler of controller-runtime;
// sim/hpa plays Kubernetes' own controller.
//
// Check resolves a column of every set of policies; Input.Play plays one of them.
//
// Time moves from event to event. At one instant everything happens in a fixed
// order - samples, transitions of the world, faults, rules, decisions, the
// scrape of the world, expectations - and within a class by name, so a run is a
// function of the scenario and its seed.
//
// Autoscalers that share nothing - no target, and no series of the world that a query of
// one could read of the other's - are played side by side, as many parts as there are
// cores, and their decisions are merged in order: the bytes are those of one run. A week
// of 50 autoscalers at 15 s, two million decisions over a CSV, took 42 s of user and
// system time where it had taken 119 s, both measured on a busy machine. Its
// journal is 360 MB gzipped where every decision changes the state: the digests alone,
// which nothing compresses, are 96 bytes of each.
package sim
