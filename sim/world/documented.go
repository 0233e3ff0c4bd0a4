package world

// A Series documents what the world publishes under some names, with which
// labels, and what the value is.
type Series struct {
	Names, Labels []string
	Meaning       string
}

// Documented has all series of targets, workloads, pods and nodes.
func Documented() []Series {
	var list []Series
	for _, kind := range []string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"} {
		metrics := stateMetrics[kind]
		list = append(list, countsOf(metrics.series, []string{"namespace", metrics.label}, "")...)
	}
	list = append(list, countsOf(anyTarget, []string{"namespace", "kind", "name"}, ", of every other kind (of a ScalableNodeGroup its ready nodes)")...)
	return append(list,
		Series{[]string{nodeInfo, nodeCreated}, []string{"node"}, "1; Unix time"},
		Series{[]string{nodeCondition}, []string{"node", "condition", "status"}, "of the condition `Ready`: 1 for the status it has, `true` or `false`"},
		Series{[]string{nodeAllocatable}, []string{"node", "resource", "unit"}, "what pods can request"},
		Series{[]string{requestsTotal}, []string{"namespace", "service", "code"}, "requests: `200` served, `503` refused, `504` given up"},
		Series{[]string{requestDuration + "_bucket"}, []string{"namespace", "service", "le"}, "time of served requests, waiting included"},
		Series{[]string{requestDuration + "_sum", requestDuration + "_count"}, []string{"namespace", "service"}, "its sum and number"},
		Series{[]string{queueLength}, []string{"namespace", "queue"}, "what waits, where the workload has a `queue`"},
		Series{[]string{queueOldest}, []string{"namespace", "queue"}, "how long the first in line has waited, in seconds"},
		Series{[]string{containerCPU}, []string{"namespace", "pod", "container"}, "cpu time"},
		Series{[]string{containerAsks}, []string{"namespace", "pod", "container", "node", "resource", "unit"}, "what the pod requests"},
		Series{[]string{podReady}, []string{"namespace", "pod", "condition"}, "of the condition `true`: 1 if ready"},
		Series{[]string{podPhase}, []string{"namespace", "pod", "phase"}, "1 for the phase it is in: `Pending` or `Running`"},
		Series{[]string{podInfo}, []string{"namespace", "pod", "node", "created_by_kind", "created_by_name"}, "1"},
		Series{[]string{podOwner}, []string{"namespace", "pod", "owner_kind", "owner_name", "owner_is_controller"}, "1"},
		Series{[]string{replicaSetOwner}, []string{"namespace", "replicaset", "owner_kind", "owner_name", "owner_is_controller"}, "1, of the ReplicaSets of a Deployment"},
		Series{[]string{demandRate}, []string{"namespace", "kind", "name"}, "the demand, a second"},
		Series{[]string{neededReplicas}, []string{"namespace", "kind", "name"}, "demand / `capacityPerReplica`"},
	)
}

// countsOf documents the counts of a kind of scale target.
func countsOf(of []published, labels []string, note string) []Series {
	var list []Series
	for _, row := range []struct {
		shows   count
		meaning string
	}{{specCount, "`spec.replicas`"}, {statusCount, "`status.replicas`: all pods, ready or not"}, {readyCount, "ready replicas"}} {
		var names []string
		for _, p := range of {
			if p.shows == row.shows {
				names = append(names, p.name)
			}
		}
		list = append(list, Series{names, labels, row.meaning + note})
	}
	return list
}
