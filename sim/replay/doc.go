// Package replay makes the scenario of a replay: from manifests, recordings and the
// options that karpenter replay has as flags, which errors name as flags, since nobody
// has written the scenario. Simulating what it makes gives the same bytes.
//
//	file, err := options.Scenario(ctx, replay.Source{Convert: convert})
//	simulation, err := sim.Check(ctx, file, sim.CheckOptions{Report: reports.CheckExpression})
//	err = options.InFlags(err, file.Path)
//
// A Journal makes one of what a journal says of an autoscaler, which then acts alone.
package replay
