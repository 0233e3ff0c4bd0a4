// Package providertest is the contract of each port of engine/cycle, as test suites
// that live adapters and the simulator's fakes pass alike: [NodeGroups] and [Queues]
// of providers (see providers/README.md), [ScaleTargets], [Store], [Sizes] and
// [Snapshots] of clusters, and [MetricSource]. A test calls one with a function that
// builds what is tested in a known state.
package providertest
