// Package kubernetes runs the driver of engine/cycle against an API server. Its
// reconcilers are thin: they wake up, call the driver, and ask to be woken at
// the next slot.
//
//   - [Targets] reads and writes scale subresources of any namespaced kind.
//   - [Store], [NodeGroupStore] and [ProducerStore] load objects past the cache
//     and commit their status under its resourceVersion, which is what fences a
//     deposed leader.
//   - [Cluster] reads nodes and pods, [Exporter] publishes the producers' gauges.
//   - [Rivals] finds who else acts on a target.
//   - [Reporter] tells metrics, events and the journal what was decided.
//   - [Reconciler] wakes a driver up; [Setup] joins it all to a manager.
//
// The clock is injected, into the work queues too. A decision that has begun
// when the process is told to stop is brought to its end.
package kubernetes
