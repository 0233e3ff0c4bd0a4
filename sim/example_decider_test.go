package sim_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
)

// perHundred asks for one replica per hundred requests that wait.
func perHundred(_ context.Context, o sim.Observation) (sim.Decision, error) {
	waiting := o.Metrics[0]
	if waiting.Code != "" {
		return sim.Decision{Replicas: int64(o.Scale.Spec)}, nil // keep what is there
	}
	return sim.Decision{Replicas: max(1, int64(math.Ceil(waiting.Value/100)))}, nil
}

// A function of ten lines plays beside the scenario's own policy, in the same
// world.
func ExampleDeciderFunc() {
	file, err := sim.Load("testdata/backlog.yaml")
	if err != nil {
		log.Fatal(err)
	}
	simulation, err := sim.Check(context.Background(), file, sim.CheckOptions{
		Report:   reports.CheckExpression,
		Deciders: map[string]func() sim.Decider{"per-hundred": func() sim.Decider { return sim.DeciderFunc(perHundred) }},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer simulation.Close()
	run, err := simulation.Play(context.Background(), sim.PlayOptions{})
	if err != nil {
		log.Fatal(err)
	}
	report, err := reports.Compute(run)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Trade)
	for _, c := range report.Columns {
		fmt.Printf("%s: %v breach minutes, %.1f replica-hours\n", c.Name, c.Figures.Get("breach_minutes"), c.Figures.Get("replica_hours"))
	}
	// Output:
	// Variant "per-hundred" runs above its target no more than current and saves 1.1 replica-hours (-13.1 %).
	// current: 2.5 breach minutes, 8.0 replica-hours
	// per-hundred: 2.5 breach minutes, 7.0 replica-hours
}
