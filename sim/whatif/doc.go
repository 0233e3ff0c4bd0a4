// Package whatif says what fixes would gain: it plays a run again with one of its
// limits gone, keeps the fix that leaves least, and so on.
//
// A limit is lifted as a user would do it: in a copy of the manifests, by
// assignments that a variant takes too, or in a copy of the scenario. Two have no
// field: metrics that show the demand of the instant, and nodes for every pod.
//
//	limit            what it becomes
//	maxReplicas      the smallest bound that leaves as little as none would
//	ratePolicies     none on the way up
//	scaleUpWindow    0
//	scaleDownWindow  15 min, within which a scale-down counts as too early
//	target           what the metric shows of one replica's full load
//	tolerance        0 on the way up
//	pollingInterval  10 s, or the shortest that the windows allow
//	metrics          the value that they would have for the demand of the instant
//	startUp          0 for pods and nodes of the target
//	nodes            every pod has one
//	firstReplicas    what the demand needs when the run begins
//	dryRun           false
//	rivals           the other autoscalers of the target are in dry run
//	missedSlots      no fault of the controller
//	refusals         no fault, maximum or quota of the target and its provider
//	disruption       no node is lost and no pod rolled out
package whatif
