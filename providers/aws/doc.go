// Package aws observes and resizes Auto Scaling groups and EKS managed node
// groups, and reads SQS queues.
//
// [New] makes a [Provider] from the SDK's usual chain: environment, shared
// configuration, web identity (IRSA), instance role. A region that stands in an
// ARN wins; otherwise the chain's, otherwise that of the instance; and a region
// that is needed and missing is an error of the read that needs it.
// [Provider.NodeGroups] and [Provider.Queues] are what a controller registers.
//
// Reads are shared. All Auto Scaling groups of a region that are asked for
// within a few seconds are described together, in batches of 100, and so are
// the ages of all queues; a resize forgets what it made stale.
//
// Every error wraps one of engine/cycle's errors and an [Error] with AWS' own
// code.
package aws
