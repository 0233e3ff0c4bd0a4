package cycle

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// TestNodeGroupNamespaces holds that an object of a namespace that may not name node
// groups never reaches a provider, not even to read, and says why and what to do.
func TestNodeGroupNamespaces(t *testing.T) {
	c := newCloud(t)
	c.group.Desired, c.group.Ready = 5, 5 // which 3 wanted nodes would shrink
	n := c.driver()
	n.Namespaces = Namespaces{"infra", "platform"}
	for seconds := range 5 {
		c.at(n, seconds*10)
	}
	for _, call := range c.calls {
		if call == "Observe" || strings.HasPrefix(call, "Resize") {
			t.Errorf("the provider was called: %s", call)
		}
	}
	want := "False InvalidPolicy: spec.id: Forbidden: no object of namespace default may name a node group: this controller was started with --node-group-namespaces=infra,platform; create the object in one of these, or have the namespace added"
	if got := c.condition(v1alpha1.ReadyCondition); got != want {
		t.Errorf("Ready is %s,\nwant %s", got, want)
	}

	n = c.driver() // as after a restart with other flags
	n.Namespaces = Namespaces{"default"}
	c.at(n, 60)
	c.at(n, 70)
	if c.group.Desired != 3 {
		t.Errorf("the namespace was added, and the group has %d nodes, want 3", c.group.Desired)
	}
}

// TestProducerNamespaces holds the same of what producers read of the cloud, and
// that what would count pods that are not seen is refused.
func TestProducerNamespaces(t *testing.T) {
	const (
		queue    = `queue: {type: AWSSQSQueue, id: "arn:aws:sqs:us-west-2:123456789012:jobs"}`
		pending  = `pendingCapacity: {nodeSelector: {pool: a}, nodeGroupRef: {name: workers}}`
		reserved = `reservedCapacity: {nodeSelector: {pool: a}}`
		schedule = `scheduleSpec: {defaultReplicas: 1, behaviors: []}`
	)
	cases := map[string]struct {
		reason, spec                string
		queues, nodeGroups, watched Namespaces
		want                        string
	}{
		"Queue":          {reason: "any namespace, without the flag", spec: queue},
		"QueueAllowed":   {reason: "one of those that may", spec: queue, queues: Namespaces{"a", "default"}},
		"QueueForbidden": {reason: "another one", spec: queue, queues: Namespaces{"a", "b"}, want: "spec.queue.id: Forbidden: no object of namespace default may name a queue: this controller was started with --queue-namespaces=a,b"},
		"QueueWatched":   {reason: "a queue has no pods", spec: queue, watched: Namespaces{"default"}},
		"Pending":        {reason: "it reads the size of a group", spec: pending, nodeGroups: Namespaces{"a"}, want: "spec.pendingCapacity.nodeGroupRef: Forbidden: no object of namespace default may name a node group"},
		"PendingWatched": {reason: "pods of other namespaces wait, too", spec: pending, watched: Namespaces{"default"}, want: "spec.pendingCapacity: Forbidden: counts the pods of whole nodes, whatever their namespace, and this controller sees those of default only (--watch-namespaces)"},
		"Reserved":       {reason: "and reserve", spec: reserved, watched: Namespaces{"default"}, want: "spec.reservedCapacity: Forbidden: counts the pods of whole nodes"},
		"Schedule":       {reason: "a schedule reads nothing", spec: schedule, queues: Namespaces{"a"}, nodeGroups: Namespaces{"a"}, watched: Namespaces{"default"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t, c.spec)
			d := p.driver()
			d.QueueNamespaces, d.NodeGroupNamespaces, d.Watched = c.queues, c.nodeGroups, c.watched
			p.at(d, "a", 0)
			got := p.condition("a", v1alpha1.ReadyCondition)
			if c.want == "" && strings.Contains(got, "Forbidden") || !strings.Contains(got, c.want) {
				t.Errorf("%s: Ready is %s, want %s", c.reason, got, c.want)
			}
			for _, call := range p.calls {
				if c.want != "" && (strings.HasPrefix(call, "Observe") || strings.HasPrefix(call, "Desired") || call == "Snapshot") {
					t.Errorf("%s: %s was called", c.reason, call)
				}
			}
		})
	}
}

// TestNodeGroupNamespacesTogether holds that the producers that are evaluated
// together do not read the groups of one that may not name them.
func TestNodeGroupNamespacesTogether(t *testing.T) {
	const pending = `pendingCapacity: {nodeSelector: {pool: a}, nodeGroupRef: {name: workers}}`
	p := newPlant(t, pending, pending)
	other := p.objects[named("b")].DeepCopy()
	delete(p.objects, named("b"))
	other.Namespace = "web"
	p.objects[types.NamespacedName{Namespace: "web", Name: "b"}] = other
	d := p.driver()
	d.NodeGroupNamespaces = Namespaces{"default"}
	p.at(d, "a", 0)
	if !slices.Contains(p.calls, "Desired default/workers") || slices.Contains(p.calls, "Desired web/workers") {
		t.Errorf("called %q", p.calls)
	}
}

// TestNotice holds that what is to be said of a source stands in the condition of
// those that use it, costs no readiness, and goes when it is over.
func TestNotice(t *testing.T) {
	w := newCluster(t)
	w.edit(func(s *v1alpha1.HorizontalAutoscalerSpec) { s.Metrics[0].Prometheus.Source = "eu" })
	a := w.driver()
	notice := ""
	a.Notice = func(source string) string {
		if source != "eu" {
			t.Errorf("asked of %q", source)
		}
		return notice
	}
	const available = "True Available: every metric has a usable value"
	for i, c := range []struct{ notice, want string }{
		{"", available}, {"f.yaml:3: wrong: the last good file stays in force", available + "; f.yaml:3: wrong: the last good file stays in force"}, {"", available},
	} {
		notice = c.notice
		w.at(a, i*10)
		w.at(a, i*10+5)
		if got := w.condition(v1alpha1.MetricsAvailableCondition); got != c.want {
			t.Errorf("%d: MetricsAvailable is %s, want %s", i, got, c.want)
		}
		if got := w.condition(v1alpha1.ReadyCondition); !strings.HasPrefix(got, "True") {
			t.Errorf("%d: Ready is %s", i, got)
		}
	}
	if r := w.last(); r.Metrics[0].Source != "eu" {
		t.Errorf("recorded %+v", r.Metrics[0])
	}
}

// TestUnprovided says of a type of the cloud's that nothing knows it, and why.
func TestUnprovided(t *testing.T) {
	cases := []struct {
		reason    string
		providers map[string]NodeGroups
		want      string
	}{
		{"started without a provider", nil, "spec.type: Forbidden: this controller has no provider for AWSEC2AutoScalingGroup: it was started with CLOUD_PROVIDER=none; see --cloud-provider"},
		{"another provider", map[string]NodeGroups{"FakeGroup": nil}, `spec.type: Unsupported value: "AWSEC2AutoScalingGroup": supported values: "FakeGroup"`},
	}
	for _, c := range cases {
		if got := unprovided(field.NewPath("spec", "type"), "AWSEC2AutoScalingGroup", c.providers).Error(); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}
