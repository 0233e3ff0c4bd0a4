package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/cmd/controller/charts"
)

// objects renders a release and decodes it strictly: unknown and duplicate
// fields are errors.
func objects(t *testing.T, settings ...string) []client.Object {
	t.Helper()
	content, err := release("v0.1.0", settings...)
	if err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientscheme.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	var decoded []client.Object
	for reader := yamlreader.NewDocumentDecoder(io.NopCloser(bytes.NewReader(content))); ; {
		buffer := make([]byte, len(content))
		n, err := reader.Read(buffer)
		if errors.Is(err, io.EOF) {
			return decoded
		}
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(buffer[:n], nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, buffer[:n])
		}
		decoded = append(decoded, object.(client.Object))
	}
}

// one returns the release's only object of a type.
func one[T client.Object](t *testing.T, objects []client.Object) T {
	t.Helper()
	return named[T](t, objects, "")
}

// named returns the release's only object of a type and name.
func named[T client.Object](t *testing.T, objects []client.Object, name string) T {
	t.Helper()
	var found []T
	for _, object := range objects {
		if o, ok := object.(T); ok && (name == "" || o.GetName() == name) {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("got %d objects of type %T, want 1", len(found), found)
	}
	return found[0]
}

func TestReleaseHasEverything(t *testing.T) {
	want := []string{
		"Namespace karpenter-autoscaling",
		"CustomResourceDefinition horizontalautoscalers.autoscaling.karpenter.sh",
		"CustomResourceDefinition metricsproducers.autoscaling.karpenter.sh",
		"CustomResourceDefinition scalablenodegroups.autoscaling.karpenter.sh",
		"ServiceAccount karpenter-autoscaling",
		"ClusterRole karpenter-autoscaling",
		"ClusterRoleBinding karpenter-autoscaling",
		"Role karpenter-autoscaling",
		"RoleBinding karpenter-autoscaling",
		"Role karpenter-autoscaling-journal",
		"Service karpenter-autoscaling-metrics",
		"Deployment karpenter-autoscaling",
	}
	for _, provider := range []string{"aws", "none"} {
		var got []string
		for _, object := range objects(t, "provider="+provider) {
			got = append(got, object.GetObjectKind().GroupVersionKind().Kind+" "+object.GetName())
			if namespace := object.GetNamespace(); namespace != "" && namespace != charts.Name {
				t.Errorf("%s: namespace %s, want %s", object.GetName(), namespace, charts.Name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("release for %s: -want, +got:\n%s", provider, diff)
		}
	}
}

func TestNoneKnowsNoCloud(t *testing.T) {
	content, err := release("v0.1.0", "provider=none")
	if err != nil {
		t.Fatal(err)
	}
	_, installed, _ := strings.Cut(string(content), "kind: ServiceAccount")
	for _, word := range []string{"AWS_", "amazonaws", "arn:"} {
		if strings.Contains(installed, word) {
			t.Errorf("the release for no provider mentions %s", word)
		}
	}
}

// rights are what the controller may do, as "group/resource verb", in the order
// of the alphabet. Rights within its own namespace begin with "own ".
func rights(t *testing.T, objects []client.Object) []string {
	t.Helper()
	all := rulesOf("", one[*rbacv1.ClusterRole](t, objects).Rules)
	all = append(all, rulesOf("own ", named[*rbacv1.Role](t, objects, charts.Name).Rules)...)
	slices.Sort(all)
	return all
}

func rulesOf(prefix string, rules []rbacv1.PolicyRule) []string {
	var all []string
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, name := range rule.Resources {
				for _, verb := range rule.Verbs {
					right := fmt.Sprintf("%s%s/%s %s", prefix, group, name, verb)
					if len(rule.ResourceNames) > 0 {
						right += " " + strings.Join(rule.ResourceNames, ",")
					}
					all = append(all, right)
				}
			}
		}
	}
	return all
}

// needs are the rights of a release and what needs them.
var needs = []struct{ reason, rights string }{
	{"the specs are watched", `
autoscaling.karpenter.sh/horizontalautoscalers get
autoscaling.karpenter.sh/horizontalautoscalers list
autoscaling.karpenter.sh/horizontalautoscalers watch
autoscaling.karpenter.sh/metricsproducers get
autoscaling.karpenter.sh/metricsproducers list
autoscaling.karpenter.sh/metricsproducers watch
autoscaling.karpenter.sh/scalablenodegroups get
autoscaling.karpenter.sh/scalablenodegroups list
autoscaling.karpenter.sh/scalablenodegroups watch`},
	{"the state lives in the status", `
autoscaling.karpenter.sh/horizontalautoscalers/status patch
autoscaling.karpenter.sh/metricsproducers/status patch
autoscaling.karpenter.sh/scalablenodegroups/status patch`},
	{"targets of any kind are observed", "*/*/scale get"},
	{"rivals are found", `
autoscaling/horizontalpodautoscalers get
autoscaling/horizontalpodautoscalers list
autoscaling/horizontalpodautoscalers watch
keda.sh/scaledobjects get
keda.sh/scaledobjects list
keda.sh/scaledobjects watch`},
	{"capacity is counted", `
/nodes get
/nodes list
/nodes watch
/pods get
/pods list
/pods watch`},
	{"events tell what happened", `
/events create
/events patch`},
	{"one replica leads", `
own coordination.k8s.io/leases create
own coordination.k8s.io/leases get karpenter-autoscaling
own coordination.k8s.io/leases update karpenter-autoscaling`},
}

func TestLeastPrivilege(t *testing.T) {
	var base []string
	for _, need := range needs {
		base = append(base, strings.Split(strings.TrimSpace(need.rights), "\n")...)
	}
	scaling := []string{"*/*/scale update", "autoscaling.karpenter.sh/scalablenodegroups patch"}
	// Who asks for metrics, and may they?
	asking := []string{"authentication.k8s.io/tokenreviews create", "authorization.k8s.io/subjectaccessreviews create"}
	cases := []struct {
		name, reason string
		settings     []string
		more         []string
	}{
		{"Default", "a controller that scales may update scale subresources, and fill in a node group's replicas", nil, slices.Concat(asking, scaling)},
		{"DryRun", "a dry run may change nothing but what is ours", []string{"dryRun=true"}, asking},
		{"AWS", "the provider's rights are IAM's", []string{"provider=aws"}, slices.Concat(asking, scaling)},
		{"PlainMetrics", "what anybody may read asks nobody", []string{"metrics.secure=false"}, scaling},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			want := slices.Concat(base, tc.more)
			slices.Sort(want)
			if diff := cmp.Diff(want, rights(t, objects(t, tc.settings...))); diff != "" {
				t.Errorf("%s\nrights: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestTenantRights holds that with watchNamespaces every right on objects is a Role's
// in one of them, and that only what is in no namespace stays in a ClusterRole.
func TestTenantRights(t *testing.T) {
	var within []string
	for _, need := range needs {
		for _, right := range strings.Split(strings.TrimSpace(need.rights), "\n") {
			if !strings.HasPrefix(right, "own ") && !strings.HasPrefix(right, "/nodes") {
				within = append(within, right)
			}
		}
	}
	within = append(within, "*/*/scale update", "autoscaling.karpenter.sh/scalablenodegroups patch")
	slices.Sort(within)
	nodes := []string{"/nodes get", "/nodes list", "/nodes watch"}
	readers := []string{"authentication.k8s.io/tokenreviews create", "authorization.k8s.io/subjectaccessreviews create"}
	cases := map[string]struct {
		reason   string
		settings []string
		cluster  []string
	}{
		"None":    {"nothing is needed of the cluster as a whole", []string{"metrics.secure=false"}, nil},
		"Secure":  {"who asks for metrics is known to the cluster only", nil, readers},
		"Cloud":   {"nodes of node groups are in no namespace", []string{"metrics.secure=false", "provider=aws"}, nodes},
		"Default": {"both", []string{"provider=aws"}, slices.Concat(nodes, readers)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			all := objects(t, append(c.settings, "watchNamespaces=[lab, web]")...)
			var cluster []string
			namespaces := map[string][]string{}
			for _, o := range all {
				switch o := o.(type) {
				case *rbacv1.ClusterRole:
					cluster = append(cluster, rulesOf("", o.Rules)...)
				case *rbacv1.Role:
					if o.Name == charts.Name+"-objects" {
						rules := rulesOf("", o.Rules)
						slices.Sort(rules)
						namespaces[o.Namespace] = rules
					}
				case *rbacv1.RoleBinding:
					if s := o.Subjects[0]; s.Name != charts.Name || s.Namespace != charts.Name || o.RoleRef.Kind != "Role" {
						t.Errorf("%s/%s binds %+v to %+v", o.Namespace, o.Name, o.RoleRef, s)
					}
				}
			}
			slices.Sort(cluster)
			if diff := cmp.Diff(c.cluster, cluster); diff != "" {
				t.Errorf("%s: rights in the cluster: -want, +got:\n%s", c.reason, diff)
			}
			if diff := cmp.Diff(map[string][]string{"lab": within, "web": within}, namespaces); diff != "" {
				t.Errorf("rights by namespace: -want, +got:\n%s", diff)
			}
		})
	}
}

// TestJournalReaders has the rights that a person needs for karpenter journal
// fetch, which nobody gets by themselves.
func TestJournalReaders(t *testing.T) {
	all := objects(t)
	want := []string{"/pods get", "/pods list", "/pods/portforward get", "/pods/portforward create"}
	if diff := cmp.Diff(want, rulesOf("", named[*rbacv1.Role](t, all, charts.Name+"-journal").Rules)); diff != "" {
		t.Errorf("rights: -want, +got:\n%s", diff)
	}
	if bound := one[*rbacv1.RoleBinding](t, all).RoleRef.Name; bound != charts.Name {
		t.Errorf("the release binds %s", bound)
	}
}

func TestPod(t *testing.T) {
	pod := one[*appsv1.Deployment](t, objects(t)).Spec.Template.Spec
	container := pod.Containers[0]
	yes, no, nobody := true, false, int64(65532)
	if diff := cmp.Diff(&corev1.SecurityContext{
		AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}, container.SecurityContext); diff != "" {
		t.Errorf("container: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(&corev1.PodSecurityContext{
		RunAsNonRoot: &yes, RunAsUser: &nobody, RunAsGroup: &nobody, FSGroup: &nobody,
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}, pod.SecurityContext); diff != "" {
		t.Errorf("pod: -want, +got:\n%s", diff)
	}
	for _, kind := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := container.Resources.Requests[kind], container.Resources.Limits[kind]
		if request.IsZero() || limit.Cmp(request) < 0 {
			t.Errorf("%s: request %s, limit %s", kind, &request, &limit)
		}
	}
	if container.LivenessProbe == nil || container.ReadinessProbe == nil {
		t.Error("a probe is missing")
	}
}

func TestJournalFitsItsVolume(t *testing.T) {
	for _, size := range []string{"16", "2048", "65536"} {
		pod := one[*appsv1.Deployment](t, objects(t, "journal.sizeMiB="+size)).Spec.Template.Spec
		volume := pod.Volumes[0].EmptyDir.SizeLimit
		most := resource.MustParse(argument(t, pod, "journal-max-bytes"))
		// The sink may hold one more file and its compressed copy, an eighth of
		// the whole each; a volume that is exceeded costs the pod.
		if whole := most.Value() / 4 * 5; whole >= volume.Value() {
			t.Errorf("journal.sizeMiB=%s: files of %d bytes in a volume of %d", size, whole, volume.Value())
		}
	}
}

func argument(t *testing.T, pod corev1.PodSpec, name string) string {
	t.Helper()
	for _, argument := range pod.Containers[0].Args {
		if value, found := strings.CutPrefix(argument, "--"+name+"="); found {
			return value
		}
	}
	t.Fatalf("no --%s in %q", name, pod.Containers[0].Args)
	return ""
}

// TestArguments finds every flag of the release in the controller's source: the
// package of a command cannot be imported.
func TestArguments(t *testing.T) {
	source, err := os.ReadFile("../flags.go")
	if err != nil {
		t.Fatal(err)
	}
	pod := one[*appsv1.Deployment](t, objects(t, "dryRun=true", "verbose=true", "metrics.secure=true", "prometheus.httpConfigSecret=x")).Spec.Template.Spec
	for _, argument := range pod.Containers[0].Args {
		name, _, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
		if !bytes.Contains(source, []byte(`"`+name+`"`)) {
			t.Errorf("the controller has no flag --%s", name)
		}
	}
}
