package sim

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// groups are the ScalableNodeGroups of a run and their driver's store.
type groups struct {
	objects[*v1alpha1.ScalableNodeGroup, *storedGroup]
	run    *run
	driver *cycle.ScalableNodeGroups
}

type storedGroup struct {
	storedObject[*v1alpha1.ScalableNodeGroup]
	// target is the object's scale subresource.
	target *world.Target
	ref    cycle.NodeGroupRef
	group  *fake.NodeGroup
	pool   string
	// bootFailure is the share of nodes that never become ready without a fault.
	bootFailure float64
	// boot is how long nodes boot without a fault.
	boot fake.Delay
	// price and billing say what a node costs, there counts the machines that are paid for.
	price   float64
	billing result.Billing
	there   Steps
	// machines are the nodes of the provider's group by name.
	machines    map[string]*world.Node
	labels      map[string]string
	taints      []corev1.Taint
	allocatable corev1.ResourceList
	series      groupSeries
	// edited is the object as the edits to come leave it, nil without any.
	edited *v1alpha1.ScalableNodeGroup
}

func compareNames(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// addCloud puts the provider's part of the world into the run. A replay has none:
// its node groups are targets, and its producers' series are recorded, but those
// of schedules, which need no more than the time.
func (r *run) addCloud() error {
	set := cmp.Or(r.o.Manifests, r.in.File.Manifests)
	if set == nil {
		return nil
	}
	if r.in.File.Spec.Replay != nil {
		r.addProducers(slices.DeleteFunc(slices.Clone(set.Producers), func(e manifest.Producer) bool { return e.Object.Spec.Schedule == nil }))
		return nil
	}
	if err := r.addNodeGroups(set.NodeGroups); err != nil {
		return err
	}
	if err := r.addQueues(); err != nil {
		return err
	}
	r.addProducers(set.Producers)
	return nil
}

// carriers are the node groups that can run the pods of a workload, as
// NAMESPACE/NAME; none where it is nil or its pods need no nodes.
func (r *run) carriers(w *world.Workload) []string {
	if w == nil {
		return nil
	}
	var names []string
	for _, s := range r.groupsOf() {
		if len(s.allocatable) > 0 && !r.o.NodesAtOnce && w.RunsOn(s.labels, s.taints) {
			names = append(names, s.object.Namespace+"/"+s.object.Name)
		}
	}
	return names
}

// groupOf is the node group that a target is, or nil.
func (r *run) groupOf(t *world.Target) *storedGroup {
	for _, s := range r.groupsOf() {
		if s.target == t {
			return s
		}
	}
	return nil
}

// groupsOf are the run's node groups, none in a replay.
func (r *run) groupsOf() []*storedGroup {
	if r.groups == nil {
		return nil
	}
	return r.groups.all
}

// addNodeGroups puts the node groups and their machines into the run.
func (r *run) addNodeGroups(entries []manifest.NodeGroup) error {
	r.groups = &groups{run: r}
	r.groups.kind = journal.ScalableNodeGroup
	r.cloud = fake.NewCloud(&r.queue)
	r.nodes = world.NewNodes(&r.queue, r.workloads)
	spec := &r.in.File.Spec
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b manifest.NodeGroup) int { return compareNames(nameOf(a.Object), nameOf(b.Object)) })
	for _, e := range sorted {
		declared := scenario.NodeGroup{Namespace: e.Object.Namespace, Name: e.Object.Name}
		for i := range spec.NodeGroups {
			if g := &spec.NodeGroups[i]; g.Reference() == declared.Reference() {
				declared = *g
			}
		}
		if err := r.addNodeGroup(e, &declared); err != nil {
			return err
		}
	}
	for i := range spec.NodeGroups {
		if len(spec.NodeGroups[i].Allocatable) > 0 && !r.o.NodesAtOnce {
			r.nodes.Require()
		}
	}
	r.groups.startDriver(spec.Start.Time)
	return nil
}

// addNodeGroup puts one object, its target and the provider's group into the run.
func (r *run) addNodeGroup(e manifest.NodeGroup, declared *scenario.NodeGroup) error {
	compiled, errs := policy.CompileNodeGroup(&e.Object.Spec, field.NewPath("spec"))
	if len(errs) > 0 {
		return manifest.Positioned(e.Doc, errs)
	}
	s := &storedGroup{storedObject: keep(e.Object.DeepCopy(), r.in.File.Spec.Start.Time), machines: map[string]*world.Node{}, labels: declared.Labels, taints: declared.Taints, allocatable: declared.Allocatable, bootFailure: declared.BootFailure, boot: cloudDelay(declared.Boot), price: declared.PricePerHour, billing: billingOf(declared.Billing)}
	s.series.labels = map[string]labels.Labels{}
	for _, name := range nodegroup.GaugeNames() {
		s.series.labels[name] = s.groupLabels(name)
	}
	s.ref = cycle.NodeGroupRef{Type: compiled.Type, ID: compiled.ID}
	s.pool = declared.Pool
	if s.pool == "" {
		s.pool = s.ref.Type + " " + s.ref.ID
	}
	s.target = &world.Target{Ref: cycle.TargetRef{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: journal.ScalableNodeGroup, Namespace: s.object.Namespace, Name: s.object.Name,
	}}
	s.target.Delegate(s.scaled)
	if err := r.targets.Add(s.target); err != nil {
		return err
	}
	r.groups.add(s)
	if declared.Quota != nil {
		r.cloud.SetQuota(s.pool, *declared.Quota)
	}
	var err error
	if s.group, err = r.cloud.AddNodeGroup(r.config(s, declared)); err != nil {
		return r.in.File.Doc.Errorf("spec.nodeGroups", "%s: %v", s.reference(), err)
	}
	status := s.ready()
	s.object.Status.Replicas = &status
	// Until the size is adopted, nobody can read the scale; reports show what runs.
	s.target.Spec, s.target.Status = s.group.Now().Desired, status
	if replicas := s.object.Spec.Replicas; replicas != nil {
		s.target.Observe(*replicas, status)
	}
	return nil
}

// config is the provider's group.
func (r *run) config(s *storedGroup, d *scenario.NodeGroup) fake.NodeGroupConfig {
	c := fake.NodeGroupConfig{
		Ref: s.ref, Name: d.Name, Initial: d.Min, Min: d.Min, Max: -1,
		Random: world.Source(r.in.File.Spec.Seed, d.Reference().String()),
		Boot:   s.boot, Terminate: cloudDelay(d.Terminate),
		BootFailure: d.BootFailure, MeanLifetime: time.Duration(d.MeanLifetime),
		Pool: s.pool, ObserveLag: time.Duration(d.ObserveLag),
		Changed: func(g *fake.NodeGroup) { r.follow(s, g) },
	}
	if d.ReplaceAfter != nil {
		c.ReplaceAfter = time.Duration(*d.ReplaceAfter)
	}
	if d.Max != nil {
		c.Max = *d.Max
	}
	switch {
	case d.Nodes != nil:
		c.Initial = *d.Nodes
	case s.object.Spec.Replicas != nil:
		c.Initial = max(c.Min, *s.object.Spec.Replicas)
		if c.Max >= 0 {
			c.Initial = min(c.Initial, c.Max)
		}
	}
	return c
}

func cloudDelay(d scenario.Delay) fake.Delay {
	switch {
	case d.Max > 0:
		return fake.UniformDelay(time.Duration(d.Min), time.Duration(d.Max))
	case d.P50 > 0:
		return fake.LogNormalDelay(time.Duration(d.P50), time.Duration(d.P95))
	}
	return fake.FixedDelay(time.Duration(d.Fixed))
}

// follow brings the cluster's nodes in line with the provider's machines. A node
// joins when its machine is ready.
func (r *run) follow(s *storedGroup, g *fake.NodeGroup) {
	s.there.Append(r.queue.clock.now.Unix(), float64(g.Count()))
	var left []string
	for _, m := range g.Altered() {
		node := s.machines[m.Name]
		switch {
		case !m.There() && node != nil:
			left = append(left, m.Name)
			continue
		case node == nil && !m.Ready():
			continue
		case node == nil:
			node = r.nodes.Join(m.Name, s.labels, s.taints, s.allocatable)
			s.machines[m.Name] = node
		}
		r.nodes.SetReady(node, m.Ready())
	}
	slices.Sort(left)
	for _, name := range left {
		r.nodes.Leave(s.machines[name])
		delete(s.machines, name)
	}
}

// ready is how many of the group's nodes are ready.
func (s *storedGroup) ready() int32 {
	count := int32(0)
	for _, n := range s.machines {
		if n.Ready() {
			count++
		}
	}
	return count
}

// startDriver puts a driver in charge that knows nothing but the store.
func (g *groups) startDriver(from time.Time) {
	g.driver = &cycle.ScalableNodeGroups{
		Providers: g.run.providers(), Store: g.run.faults.NodeGroupStore(g), Journal: groupJournal{g.run.journal, g},
		Phase: func(name types.NamespacedName, interval int32) int32 {
			return g.run.phaseOf(journal.ScalableNodeGroup, name, interval)
		},
		Since: slot.At(from) - 1,
	}
}

// grid returns the slots of a group.
func (g *groups) grid(s *storedGroup) slot.Grid {
	return slot.Grid{Interval: policy.NodeGroupInterval, Phase: g.run.phaseOf(journal.ScalableNodeGroup, s.name(), policy.NodeGroupInterval)}
}

// schedule puts the first slot of each group on the queue.
func (g *groups) schedule() {
	for _, s := range g.all {
		g.run.scheduleSlots(slots{
			class: resize, object: s.reference(), grid: g.grid(s), restart: g.startDriver,
			decide: func(now time.Time) (slot.Slot, error) {
				return g.driver.Reconcile(g.run.ctx, now, s.object)
			},
		})
	}
}

// scaled writes spec.replicas, as a write of the scale subresource does.
func (s *storedGroup) scaled(replicas int32) {
	s.object = s.object.DeepCopy()
	s.object.Spec.Replicas = &replicas
	s.object.Generation++
	s.written()
}

// Commit implements cycle.NodeGroupStore.
func (g *groups) Commit(_ context.Context, name types.NamespacedName, version string, status *v1alpha1.ScalableNodeGroupStatus) (string, error) {
	s, err := g.expect(name, version)
	if err != nil {
		return "", err
	}
	status.DeepCopyInto(&s.object.Status)
	s.observe()
	return s.written(), nil
}

// Adopt implements cycle.NodeGroupStore.
func (g *groups) Adopt(_ context.Context, name types.NamespacedName, version string, replicas int32) (cycle.Stored[*v1alpha1.ScalableNodeGroup], error) {
	s, err := g.expect(name, version)
	if err != nil {
		return cycle.Stored[*v1alpha1.ScalableNodeGroup]{}, err
	}
	s.scaled(replicas)
	s.observe()
	return s.stored(), nil
}

// observe shows what the scale subresource says, once it has both counts.
func (s *storedGroup) observe() {
	if spec, status := s.object.Spec.Replicas, s.object.Status.Replicas; spec != nil && status != nil {
		s.target.Observe(*spec, *status)
	}
}

// Desired implements cycle.Sizes. As in a cluster, it is the provider that says so.
func (g *groups) Desired(ctx context.Context, name types.NamespacedName) (int32, error) {
	s := g.find(name)
	if s == nil {
		return 0, g.notFound(name)
	}
	group, err := g.run.provider().Observe(ctx, s.ref)
	return group.Desired, err
}
