package scenario

// checkWorld refuses the parts of the world that this version cannot simulate.
func (v *validation) checkWorld() {
	for _, part := range []struct {
		path   string
		length int
	}{
		{"spec.nodeGroups", len(v.spec.NodeGroups)},
		{"spec.workloads", len(v.spec.Workloads)},
		{"spec.queues", len(v.spec.Queues)},
		{"spec.faults", len(v.spec.Faults)},
	} {
		if part.length > 0 {
			v.fail(part.path, "must be empty: this version simulates targets, inputSeries and recordings only")
		}
	}
}
