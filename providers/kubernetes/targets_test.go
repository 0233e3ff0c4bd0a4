package kubernetes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

func TestTargets(t *testing.T) {
	s, ctx := connect(t), context.Background()
	targets, err := kubernetes.NewTargets(s.config, s.client.RESTMapper(), timeout)
	s.check(err)
	s.create(s.deployment("web", 3))
	group := &v1alpha1.ScalableNodeGroup{ObjectMeta: s.meta("group"), Spec: v1alpha1.ScalableNodeGroupSpec{Type: "AWSEKSNodeGroup", ID: "arn:aws:eks:us-west-2:1234567890:nodegroup/cluster/group/1"}}
	one := int32(1)
	group.Spec.Replicas = &one
	s.create(group)

	for _, ref := range []cycle.TargetRef{
		{APIVersion: "apps/v1", Kind: "Deployment", Namespace: s.namespace, Name: "web"},
		{APIVersion: "autoscaling.karpenter.sh/v1alpha1", Kind: "ScalableNodeGroup", Namespace: s.namespace, Name: "group"},
	} {
		before, err := targets.Get(ctx, ref, time.Time{})
		s.check(err)
		s.check(targets.Set(ctx, ref, before, 7))
		after, err := targets.Get(ctx, ref, time.Time{})
		s.check(err)
		if diff := cmp.Diff(cycle.Scale{Spec: 7}, after, cmpopts.IgnoreFields(cycle.Scale{}, "Version")); diff != "" || after.Version == before.Version {
			t.Errorf("%s: version %s after %s\n%s", ref.Kind, after.Version, before.Version, diff)
		}
		if err := targets.Set(ctx, ref, before, 9); !errors.Is(err, cycle.ErrConflict) {
			t.Errorf("%s: a write with an old version: %v", ref.Kind, err)
		}
	}
}

func TestTargetErrors(t *testing.T) {
	s, ctx := connect(t), context.Background()
	admin, err := kubernetes.NewTargets(s.config, s.client.RESTMapper(), timeout)
	s.check(err)
	user, err := servertest.Environment(t).AddUser(envtest.User{Name: "nobody"}, nil)
	s.check(err)
	nobody, err := kubernetes.NewTargets(user.Config(), s.client.RESTMapper(), timeout)
	s.check(err)
	slow, err := kubernetes.NewTargets(s.config, s.client.RESTMapper(), 1)
	s.check(err)
	refused := *s.config
	refused.Host = "https://127.0.0.1:1"
	down, err := kubernetes.NewTargets(&refused, s.client.RESTMapper(), timeout)
	s.check(err)
	s.create(s.deployment("web", 3))
	cases := []struct {
		reason           string
		targets          *kubernetes.Targets
		apiVersion, kind string
		name             string
		want             error
	}{
		{reason: "no such object", targets: admin, apiVersion: "apps/v1", kind: "Deployment", name: "api", want: cycle.ErrNotFound},
		{reason: "no such kind", targets: admin, apiVersion: "apps/v1", kind: "Deploiment", name: "web", want: cycle.ErrNotFound},
		{reason: "no such group", targets: admin, apiVersion: "example.com/v1", kind: "Deployment", name: "web", want: cycle.ErrNotFound},
		{reason: "no scale subresource", targets: admin, apiVersion: "v1", kind: "ConfigMap", name: "kube-root-ca.crt", want: cycle.ErrNotFound},
		{reason: "the core group, which has no Deployment", targets: admin, kind: "Deployment", name: "web", want: cycle.ErrNotFound},
		{reason: "no group and version at all", targets: admin, apiVersion: "a/b/c", kind: "Deployment", name: "web", want: cycle.ErrInvalid},
		{reason: "not namespaced", targets: admin, apiVersion: "v1", kind: "Node", name: "web", want: cycle.ErrInvalid},
		{reason: "no right", targets: nobody, apiVersion: "apps/v1", kind: "Deployment", name: "web", want: cycle.ErrForbidden},
		{reason: "too slow", targets: slow, apiVersion: "apps/v1", kind: "Deployment", name: "web", want: cycle.ErrTimedOut},
		{reason: "no server", targets: down, apiVersion: "apps/v1", kind: "Deployment", name: "web", want: cycle.ErrUnavailable},
	}
	for _, c := range cases {
		_, err := c.targets.Get(ctx, cycle.TargetRef{APIVersion: c.apiVersion, Kind: c.kind, Namespace: s.namespace, Name: c.name}, time.Time{})
		if !errors.Is(err, c.want) || cycle.Code(err) != cycle.Code(c.want) {
			t.Errorf("%s: %v (%s), want %v", c.reason, err, cycle.Code(err), c.want)
		}
	}
}

// TestTargetMistakes holds what each common mistake in a scaleTargetRef says, on a
// real API server: one word for all of them would help nobody.
func TestTargetMistakes(t *testing.T) {
	s, ctx := connect(t), context.Background()
	targets, err := kubernetes.NewTargets(s.config, s.client.RESTMapper(), timeout)
	s.check(err)
	s.create(s.deployment("web", 3))
	cases := map[string]struct {
		reason string
		ref    cycle.TargetRef
		want   string
	}{
		"Kind":       {"a misspelt kind", cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deploymnet", Name: "web"}, "no kind Deploymnet in apps/v1; did you mean Deployment?"},
		"NoVersion":  {"an absent apiVersion", cycle.TargetRef{Kind: "Deployment", Name: "web"}, "spec.scaleTargetRef.apiVersion is needed: a Deployment is of apps/v1"},
		"Name":       {"an object that does not exist", cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "wbe"}, "no Deployment wbe in namespace " + s.namespace},
		"NoScale":    {"a kind without scale", cycle.TargetRef{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "agent"}, "a DaemonSet has no scale subresource: only kinds that have one can be scaled, such as a Deployment or a StatefulSet"},
		"OldVersion": {"a version that is not served", cycle.TargetRef{APIVersion: "apps/v1beta1", Kind: "Deployment", Name: "web"}, "no kind Deployment in apps/v1beta1; the server has it in apps/v1"},
		"Group":      {"a misspelt group", cycle.TargetRef{APIVersion: "app/v1", Kind: "StatefulSet", Name: "web"}, "no kind StatefulSet in app/v1; did you mean apps/v1?"},
		"Cluster":    {"an object of no namespace", cycle.TargetRef{APIVersion: "v1", Kind: "Node", Name: "web"}, "a Node belongs to no namespace: only objects of the autoscaler's own namespace can be scaled"},
		"NoCRD":      {"a kind that nobody installed", cycle.TargetRef{APIVersion: "example.com/v1", Kind: "Gizmo", Name: "web"}, "no kind Gizmo in example.com/v1; is its CustomResourceDefinition installed?"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.ref.Namespace = s.namespace
			_, err := targets.Get(ctx, c.ref, time.Time{})
			code := observation.NotFound
			if c.ref.Kind == "Node" {
				code = observation.Invalid
			}
			if got := cycle.Sentence(err); got != c.want || cycle.Code(err) != code {
				t.Errorf("%s: %s: %q, want %q (%v)", c.reason, cycle.Code(err), got, c.want, err)
			}
		})
	}
}
