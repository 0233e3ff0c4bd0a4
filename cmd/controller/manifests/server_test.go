package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/karpenter-sim/karpenter/cmd/controller/charts"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

const account = "system:serviceaccount:" + charts.Name + ":" + charts.Name

// mays are what the service account may do according to the API server.
var mays = []struct {
	reason                              string
	namespace, group, resource, sub, at string
	verb                                string
	scaling, dryRun                     bool
}{
	{"the source of all decisions", "", "autoscaling.karpenter.sh", "horizontalautoscalers", "", "", "watch", true, true},
	{"the state is in the status, in a dry run, too", "web", "autoscaling.karpenter.sh", "horizontalautoscalers", "status", "", "patch", true, true},
	{"the spec is the user's", "web", "autoscaling.karpenter.sh", "horizontalautoscalers", "", "", "patch", false, false},
	{"but a node group without replicas gets those it has", "web", "autoscaling.karpenter.sh", "scalablenodegroups", "", "", "patch", true, false},
	{"nor are objects deleted", "web", "autoscaling.karpenter.sh", "scalablenodegroups", "", "", "delete", false, false},
	{"targets are observed", "web", "apps", "deployments", "scale", "", "get", true, true},
	{"and scaled", "web", "apps", "deployments", "scale", "", "update", true, false},
	{"but not patched", "web", "apps", "deployments", "scale", "", "patch", false, false},
	{"and not otherwise changed", "web", "apps", "deployments", "", "", "update", false, false},
	{"any kind with a scale may be a target", "web", "example.com", "widgets", "scale", "", "update", true, false},
	{"a node group is one", "web", "autoscaling.karpenter.sh", "scalablenodegroups", "scale", "", "update", true, false},
	{"rivals are seen", "web", "keda.sh", "scaledobjects", "", "", "list", true, true},
	{"not touched", "web", "autoscaling", "horizontalpodautoscalers", "", "", "delete", false, false},
	{"capacity is counted", "", "", "nodes", "", "", "list", true, true},
	{"nodes are the provider's", "", "", "nodes", "", "", "delete", false, false},
	{"pods are looked at", "web", "", "pods", "", "", "watch", true, true},
	{"not evicted", "web", "", "pods", "eviction", "", "create", false, false},
	{"secrets are nobody's business", "", "", "secrets", "", "", "get", false, false},
	{"not even its own", charts.Name, "", "secrets", "", "", "get", false, false},
	{"events tell", "web", "", "events", "", "", "create", true, true},
	{"its lease", charts.Name, "coordination.k8s.io", "leases", "", charts.Name, "update", true, true},
	{"not another", charts.Name, "coordination.k8s.io", "leases", "", "other", "update", false, false},
	{"nor one elsewhere", "kube-system", "coordination.k8s.io", "leases", "", charts.Name, "update", false, false},
	{"no rights are handed on", "", "rbac.authorization.k8s.io", "clusterroles", "", "", "escalate", false, false},
}

// TestHelmInstall installs the chart as the documentation says, changes it and
// takes it away again. It comes before TestServer, whose objects have the same
// names.
func TestHelmInstall(t *testing.T) {
	helm, client := servertest.Helm(t), kubernetes.NewForConfigOrDie(servertest.Config(t))
	directory := t.TempDir()
	if err := run([]string{"--version", "v0.1.0", "--out", directory}, io.Discard); err != nil {
		t.Fatal(err)
	}
	access := filepath.Join(directory, "kubeconfig")
	if err := os.WriteFile(access, servertest.Environment(t).KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	call := func(arguments ...string) {
		t.Helper()
		c := exec.Command(helm, append(arguments, "--namespace", charts.Name, "--kubeconfig", access)...)
		c.Env = append(os.Environ(), "HOME="+directory)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("helm %q: %v\n%s", arguments, err, out)
		}
	}
	arguments := func() []string {
		t.Helper()
		d, err := client.AppsV1().Deployments(charts.Name).Get(context.Background(), charts.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return d.Spec.Template.Spec.Containers[0].Args
	}
	archive := filepath.Join(directory, "none", charts.Name+"-0.1.0.tgz")
	const uri = "prometheus.uri=http://prometheus-operated.monitoring:9090"
	call("install", charts.Name, archive, "--create-namespace", "--set", uri)
	if got := arguments(); !slices.Contains(got, "--prometheus-uri=http://prometheus-operated.monitoring:9090") || slices.Contains(got, "--dry-run") {
		t.Errorf("installed with %q", got)
	}
	scale := authorizationv1.ResourceAttributes{Namespace: "web", Group: "apps", Resource: "deployments", Subresource: "scale", Verb: "update"}
	checkRight(t, client, "an installation scales", true, scale)
	call("upgrade", charts.Name, archive, "--reuse-values", "--set", "dryRun=true")
	if got := arguments(); !slices.Contains(got, "--dry-run") {
		t.Errorf("upgraded to %q", got)
	}
	checkRight(t, client, "a dry run does not", false, scale)
	call("uninstall", charts.Name)
}

// TestServer installs releases on a real API server as a user would.
func TestServer(t *testing.T) {
	client := kubernetes.NewForConfigOrDie(servertest.Config(t))
	apply(t)
	for _, may := range mays {
		checkRight(t, client, may.reason, may.scaling, authorizationv1.ResourceAttributes{
			Namespace: may.namespace, Group: may.group, Resource: may.resource, Subresource: may.sub, Name: may.at, Verb: may.verb,
		})
	}
	t.Run("PodIsAdmitted", func(t *testing.T) { admit(t, client) })

	apply(t, "dryRun=true")
	for _, may := range mays {
		checkRight(t, client, may.reason, may.dryRun, authorizationv1.ResourceAttributes{
			Namespace: may.namespace, Group: may.group, Resource: may.resource, Subresource: may.sub, Name: may.at, Verb: may.verb,
		})
	}
	apply(t, "provider=aws", "aws.roleARN=arn:aws:iam::123456789012:role/karpenter", "aws.region=eu-west-1", "metrics.secure=true")
	// Everything that needs no CRD of others.
	apply(t, "replicas=3", "podDisruptionBudget.maxUnavailable=1", "dashboard.enabled=true", "networkPolicy.enabled=true",
		"networkPolicy.metricsFrom=[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]",
		"networkPolicy.egress=[{ports: [{port: 443}, {port: 9090}]}]",
		"topologySpreadConstraints=[{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app.kubernetes.io/name: karpenter-autoscaling}}}]")
}

// apply is one kubectl apply -f, with its strict validation.
func apply(t *testing.T, settings ...string) {
	t.Helper()
	content, err := release("v0.1.0", settings...)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "release.yaml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, err := servertest.Environment(t).ControlPlane.KubeCtl().Run("apply", "-f", file)
	if err != nil {
		said, _ := io.ReadAll(stderr)
		t.Fatalf("kubectl apply with %q: %v\n%s", settings, err, said)
	}
}

func checkRight(t *testing.T, client kubernetes.Interface, reason string, want bool, attributes authorizationv1.ResourceAttributes) {
	t.Helper()
	review, err := client.AuthorizationV1().SubjectAccessReviews().Create(context.Background(), &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: account, ResourceAttributes: &attributes},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if review.Status.Allowed != want {
		t.Errorf("%s: %+v: allowed %t, want %t", reason, attributes, review.Status.Allowed, want)
	}
}

// admit makes a pod of the deployment: its namespace admits only pods of the
// restricted standard.
func admit(t *testing.T, client kubernetes.Interface) {
	ctx := context.Background()
	template := one[*appsv1.Deployment](t, objects(t)).Spec.Template
	pods := client.CoreV1().Pods(charts.Name)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "controller"}, Spec: template.Spec}
	if _, err := pods.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	weaker := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "weaker"}, Spec: *template.Spec.DeepCopy()}
	weaker.Spec.Containers[0].SecurityContext = nil
	if _, err := pods.Create(ctx, weaker, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a pod with privileges: got %v, want it forbidden", err)
	}
}
