package e2e

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A mirror keeps the nodes and pods of the server like those of the world, in the
// place of kubelets, of the scheduler and of the controllers that make pods.
type mirror struct {
	*live
	// needed says that a producer reads nodes and pods.
	needed bool
	nodes  map[client.ObjectKey]*mirrored
	pods   map[client.ObjectKey]*mirrored
}

// A mirrored object is one of the world and the version that the server gave it.
type mirrored struct {
	world   client.Object
	version string
}

func newMirror(l *live) *mirror {
	m := &mirror{live: l, nodes: map[client.ObjectKey]*mirrored{}, pods: map[client.ObjectKey]*mirrored{}}
	for _, p := range l.stage.Producers() {
		m.needed = m.needed || p.Spec.PendingCapacity != nil || p.Spec.ReservedCapacity != nil
	}
	if m.needed { // the informers start with the first read
		l.check(l.cache.List(l.ctx, &corev1.NodeList{}))
		l.check(l.cache.List(l.ctx, &corev1.PodList{}))
	}
	return m
}

// follow brings the server, and then the cache, to where the world is.
func (m *mirror) follow() {
	if !m.needed {
		return
	}
	m.t.Helper()
	nodes, pods := m.stage.Cluster()
	var changed []*mirrored
	var gone []client.Object
	gone = append(gone, forget(m.pods, pods)...)
	gone = append(gone, forget(m.nodes, nodes)...)
	for _, o := range gone {
		m.check(m.client.Delete(m.ctx, o, client.GracePeriodSeconds(0)))
	}
	for _, node := range nodes {
		if was := m.nodes[client.ObjectKeyFromObject(node)]; was == nil || was.world != client.Object(node) {
			changed = append(changed, m.putNode(node, was))
		}
	}
	for _, pod := range pods {
		if was := m.pods[client.ObjectKeyFromObject(pod)]; was == nil || !equality.Semantic.DeepEqual(was.world, pod) {
			changed = append(changed, m.putPod(pod, was))
		}
	}
	m.cached(changed, gone)
}

// forget takes out and returns what the world does not have any more.
func forget[O client.Object](known map[client.ObjectKey]*mirrored, objects []O) (gone []client.Object) {
	for key, was := range known {
		if !slices.ContainsFunc(objects, func(o O) bool { return client.ObjectKeyFromObject(o) == key }) {
			gone = append(gone, was.world)
			delete(known, key)
		}
	}
	return gone
}

// putNode writes a node. The server taints new ones itself, which is the kubelet's
// and the node controller's to undo.
func (m *mirror) putNode(world *corev1.Node, was *mirrored) *mirrored {
	o := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: world.Name, Labels: world.Labels}, Spec: *world.Spec.DeepCopy()}
	if was == nil {
		m.check(m.client.Create(m.ctx, o))
		o.Spec = *world.Spec.DeepCopy()
		m.check(m.client.Update(m.ctx, o))
	} else {
		o.ResourceVersion = was.version
	}
	o.Status = *world.Status.DeepCopy()
	m.check(m.client.Status().Update(m.ctx, o))
	put := &mirrored{world, o.ResourceVersion}
	m.nodes[client.ObjectKeyFromObject(world)] = put
	return put
}

// putPod writes a pod: what has found a node is bound to it.
func (m *mirror) putPod(world *corev1.Pod, was *mirrored) *mirrored {
	o := world.DeepCopy()
	o.CreationTimestamp = metav1.Time{}
	for i := range o.Spec.Containers {
		o.Spec.Containers[i].Image = "app"
	}
	switch {
	case was == nil:
		m.namespace(o.Namespace)
		m.check(m.client.Create(m.ctx, o))
	case was.world.(*corev1.Pod).Spec.NodeName != world.Spec.NodeName:
		bound := &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: world.Spec.NodeName},
		}
		m.check(m.client.SubResource("binding").Create(m.ctx, o, bound))
		m.check(m.client.Get(m.ctx, client.ObjectKeyFromObject(world), o))
	default:
		o.ResourceVersion = was.version
	}
	o.Status = *world.Status.DeepCopy()
	m.check(m.client.Status().Update(m.ctx, o))
	put := &mirrored{world, o.ResourceVersion}
	m.pods[client.ObjectKeyFromObject(world)] = put
	return put
}

// cached waits until the cache has what was written.
func (m *mirror) cached(changed []*mirrored, gone []client.Object) {
	m.t.Helper()
	m.check(wait.PollUntilContextTimeout(m.ctx, poll/20, timeout, true, func(context.Context) (bool, error) {
		for _, o := range gone {
			if err := m.cache.Get(m.ctx, client.ObjectKeyFromObject(o), empty(o)); !apierrors.IsNotFound(err) {
				return false, err
			}
		}
		for _, put := range changed {
			seen := empty(put.world)
			if err := m.cache.Get(m.ctx, client.ObjectKeyFromObject(put.world), seen); client.IgnoreNotFound(err) != nil || seen.GetResourceVersion() != put.version {
				return false, client.IgnoreNotFound(err)
			}
		}
		return true, nil
	}))
}

func empty(o client.Object) client.Object {
	if _, is := o.(*corev1.Node); is {
		return &corev1.Node{}
	}
	return &corev1.Pod{}
}

// clear deletes what the world left.
func (m *mirror) clear() {
	for _, of := range []map[client.ObjectKey]*mirrored{m.pods, m.nodes} {
		for _, put := range of {
			m.check(client.IgnoreNotFound(m.client.Delete(context.Background(), put.world, client.GracePeriodSeconds(0))))
		}
	}
}

// dated is a reader that says of nodes that they were created when they were in the
// world: the server knows only its own clock.
func (m *mirror) dated(r client.Reader) client.Reader { return &datedNodes{r, m} }

type datedNodes struct {
	client.Reader
	mirror *mirror
}

func (d *datedNodes) List(ctx context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if err := d.Reader.List(ctx, list); err != nil { // with copies
		return err
	}
	if nodes, is := list.(*corev1.NodeList); is {
		for i := range nodes.Items {
			if put := d.mirror.nodes[client.ObjectKeyFromObject(&nodes.Items[i])]; put != nil {
				nodes.Items[i].CreationTimestamp = put.world.GetCreationTimestamp()
			}
		}
	}
	return nil
}
