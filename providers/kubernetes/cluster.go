package kubernetes

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/producer"
)

// Cluster reads nodes, pods and node groups, usually from a cache.
type Cluster struct {
	Objects client.Reader
	// NodeGroups are the providers of node groups by spec.type.
	NodeGroups map[string]cycle.NodeGroups
}

var (
	_ cycle.Snapshots = (*Cluster)(nil)
	_ cycle.Sizes     = (*Cluster)(nil)
)

// Snapshot implements cycle.Snapshots. It shares its objects with the cache,
// which replaces them and never changes them.
func (c *Cluster) Snapshot(ctx context.Context) (*producer.Snapshot, error) {
	var nodes corev1.NodeList
	if err := c.Objects.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return nil, &explained{failed(err), statusOf(err)}
	}
	var pods corev1.PodList
	if err := c.Objects.List(ctx, &pods, client.UnsafeDisableDeepCopy); err != nil {
		return nil, &explained{failed(err), statusOf(err)}
	}
	return producer.NewSnapshot(pointers(nodes.Items), pointers(pods.Items)), nil
}

func pointers[T any](items []T) []*T {
	list := make([]*T, len(items))
	for i := range items {
		list[i] = &items[i]
	}
	return list
}

// Desired implements cycle.Sizes.
func (c *Cluster) Desired(ctx context.Context, name types.NamespacedName) (int32, error) {
	group := &v1alpha1.ScalableNodeGroup{}
	if err := c.Objects.Get(ctx, name, group); err != nil {
		return 0, &explained{failed(err), statusOf(err)}
	}
	provider := c.NodeGroups[string(group.Spec.Type)]
	if provider == nil {
		err := fmt.Errorf("ScalableNodeGroup %s: no provider of type %s: %w", name, group.Spec.Type, cycle.ErrUnavailable)
		return 0, &explained{err, fmt.Sprintf("this controller has no provider for %s", group.Spec.Type)}
	}
	observed, err := provider.Observe(ctx, cycle.NodeGroupRef{Type: string(group.Spec.Type), ID: group.Spec.ID})
	return observed.Desired, err
}

// ReadyNodes counts the nodes with a label that are Ready and not cordoned.
func (c *Cluster) ReadyNodes(ctx context.Context, label, value string) (int32, error) {
	var nodes corev1.NodeList
	if err := c.Objects.List(ctx, &nodes, client.MatchingLabels{label: value}, client.UnsafeDisableDeepCopy); err != nil {
		return 0, failed(err)
	}
	count := int32(0)
	for i := range nodes.Items {
		if node := &nodes.Items[i]; !node.Spec.Unschedulable && isReady(node) {
			count++
		}
	}
	return count, nil
}

func isReady(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
