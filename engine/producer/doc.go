// Package producer is the arithmetic of the four metrics producers, pure over
// what was read: a schedule over an instant, sums over a snapshot of nodes and
// pods, a queue's reading, and the nodes that pending pods need.
//
// # Schedules
//
// A pattern names minutes of the wall clock in the schedule's zone. A behavior
// is active from each start until the next end. Where both fall on one minute
// the start counts, so a behavior whose start and end are the same is always
// active, as in Karpenter v0.1. The first active behavior wins.
//
// A wall-clock minute that a zone skips comes when the clock jumps over it
// (v0.1 waited for another day), in the order of the wall clock; one that a
// zone repeats comes twice. So at any minute the value is what the wall clock says.
//
// Starts and ends that alternate, as in v0.1's examples, mean what they meant
// there. Of several ends in a row v0.1 heeded the last one, and of several
// starts the last one too; here the first one counts.
//
// # Reserved capacity
//
// Nodes count that are Ready and not cordoned; pods on them count that are not
// finished, with what the scheduler reserves for them: containers, init
// containers, overhead and pod-level requests. Beside cpu, memory and pods, so
// do the extended resources that any of the nodes has. Negative requests count
// as none.
//
// # Pending capacity
//
// One evaluation places all pending pods for all producers: first on nodes that
// are there, then on nodes that a provider promised and that have not joined,
// then on new nodes of the group that wastes least of what they offer, the
// first by namespace and name where several do. A pod counts for one group at
// most. The value of a group is all its nodes, booting and dead ones included,
// in the provider's own count where spec.nodeGroupRef names it, plus the new
// ones.
//
// A node that is not Ready counts as booting for 15 minutes from its creation,
// and takes pods as if it were; later it counts as dead, and takes none.
//
// A group without a template and without a node to copy is held: its value is
// the nodes it has. So is one whose provider's count is unknown, without a value.
//
// Only a group that is empty as a whole, with no dead node in it, is released, because a
// provider that is told a smaller size chooses the node itself. With
// releasePartial, nodes that are empty, and then nodes whose pods would fit on
// the group's other nodes, are counted away one by one.
//
// Modelled are requests of every resource, node selectors, required node
// affinity, taints and tolerations. Not modelled are required affinity and
// anti-affinity between pods, topology spread constraints that forbid scheduling, host
// ports and resource claims: a pod with any of these counts as unschedulable,
// whatever capacity there is. Preferences of any kind do not matter to whether a pod can run.
// Volumes are not looked at: a pod whose volume lives in one zone may be counted
// for a group that spans several. Priorities and preemption are not looked at
// either. Pods with scheduling gates are not pending yet.
//
// Pods of DaemonSets on the copied node take their part of every new node, except
// of resources that a template states: those it leaves room for itself.
package producer
