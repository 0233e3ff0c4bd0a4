// Package sim plays a scenario: the engine's own driver behind a simulated
// clock, a fake Prometheus and a world that its decisions act on.
//
// Time moves from event to event. At one instant everything happens in a fixed
// order - samples, transitions of the world, faults, rules, decisions, the
// scrape of the world, expectations - and within a class by name, so a run is a
// function of the scenario and its seed.
package sim
