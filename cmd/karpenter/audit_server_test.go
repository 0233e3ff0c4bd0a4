package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// auditedObjects are one of each kind, of the recording of checkout, and what cannot be
// judged: a metric of which nothing is known, one that was never recorded, and KEDA's HPA
// beside its ScaledObject.
const auditedObjects = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: checkout, namespace: NS}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  minReplicas: 2
  maxReplicas: 20
  metrics: [{type: External, external: {metric: {name: requests}, target: {type: AverageValue, averageValue: "8"}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker, namespace: NS}
spec:
  scaleTargetRef: {name: worker}
  minReplicaCount: 1
  maxReplicaCount: 3
  triggers: [{type: prometheus, metadata: {serverAddress: "http://p", query: 'sum(http_requests_in_flight)', threshold: "8"}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: keda-hpa-worker, namespace: NS, ownerReferences: [{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: worker, uid: "1"}]}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}
  maxReplicas: 3
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: lost, namespace: NS}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: lost}
  minReplicas: 1
  maxReplicas: 3
  metrics: [{prometheus: {query: sum(nowhere), target: {type: AverageValue, averageValue: 1}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: unknown, namespace: NS}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: unknown}
  maxReplicas: 3
  metrics: [{type: External, external: {metric: {name: backlog}, target: {type: AverageValue, averageValue: "8"}}}]
`

// An auditedServer is a Prometheus behind a proxy that sees what is asked of it, and can
// stop answering.
type auditedServer struct {
	url string

	mu       sync.Mutex
	paths    map[string]int
	inFlight int
	most     int
	// left is after how many requests it stops answering; negative: never. stopped is
	// called then.
	left    int
	stopped func()
}

func (s *auditedServer) begin(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[path]++
	if s.inFlight++; s.inFlight > s.most {
		s.most = s.inFlight
	}
	if s.left > 0 {
		s.left--
	}
	if s.left == 0 && s.stopped != nil {
		s.stopped()
	}
	return s.left != 0
}

func (s *auditedServer) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

// stopAfter has the server stop after so many requests, and call stopped then.
func (s *auditedServer) stopAfter(requests int, stopped func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left, s.stopped, s.most = requests, stopped, 0
}

// serveRecording starts a real Prometheus that has the samples of an OpenMetrics file.
func serveRecording(t *testing.T, file string) *auditedServer {
	t.Helper()
	binary, data := servertest.Prometheus(t), t.TempDir()
	r, err := recording.Open(t.Context(), recording.Spec{Path: file}, func() (string, error) { return data, nil })
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	listening := httptest.NewServer(nil) // for a port that is free
	own := strings.TrimPrefix(listening.URL, "http://")
	listening.Close()
	write(t, filepath.Join(data, "prometheus.yaml"), "global: {}\n")
	command := exec.Command(binary, "--config.file", filepath.Join(data, "prometheus.yaml"), "--storage.tsdb.path", data,
		"--storage.tsdb.retention.time", "100y", "--web.listen-address", own, "--log.level", "error")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if response, err := http.Get("http://" + own + "/-/ready"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Since(began) > time.Minute {
			t.Fatal("Prometheus is not ready after a minute")
		}
	}
	s := &auditedServer{paths: map[string]int{}, left: -1}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: own})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers := s.begin(r.URL.Path)
		defer s.end()
		if !answers {
			http.Error(w, "no backend", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	s.url = front.URL
	return s
}

// auditCluster creates the objects in a namespace of its own, and gives the kubeconfig of
// a user who may list autoscalers there and nothing else.
func auditCluster(t *testing.T, namespace string) (kubeconfig string) {
	t.Helper()
	config := servertest.Config(t)
	keep := true
	crds, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{{
		ObjectMeta: metav1.ObjectMeta{Name: "scaledobjects.keda.sh"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "keda.sh", Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: "ScaledObject", ListKind: "ScaledObjectList", Plural: "scaledobjects", Singular: "scaledobject"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1alpha1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &keep}},
			}},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := envtest.UninstallCRDs(config, envtest.CRDInstallOptions{CRDs: crds}); err != nil {
			t.Error(err)
		}
	})
	api, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	create := func(o client.Object) {
		t.Helper()
		if err := api.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	for _, text := range strings.Split(strings.ReplaceAll(auditedObjects, "NS", namespace), "---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		create(o)
	}
	create(&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "audit", Namespace: namespace}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{"autoscaling", "keda.sh", "autoscaling.karpenter.sh"}, Verbs: []string{"list"},
		Resources: []string{"horizontalpodautoscalers", "scaledobjects", "horizontalautoscalers", "metricsproducers"},
	}}})
	create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "audit", Namespace: namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "audit"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "auditor"}},
	})
	user, err := servertest.Environment(t).ControlPlane.AddUser(envtest.User{Name: "auditor"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	content, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}

// TestAuditServer audits the objects of a real API server over a real Prometheus: what it
// finds is what an audit of the same manifests over the same samples finds, it only lists
// and reads, and where Prometheus stops answering, or somebody interrupts it, it says what
// is missing and goes on from there.
func TestAuditServer(t *testing.T) {
	file, err := filepath.Abs("../../scenarios/recordings/checkout.om.gz")
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := auditCluster(t, "shop")
	server := serveRecording(t, file)
	t.Chdir(t.TempDir())
	query := []string{"--metric", `requests=sum(rate(http_requests_total{service="checkout"}[1m]))`, "-o", "json"}
	args := append([]string{"audit", "--kubeconfig", kubeconfig, "-n", "shop", "--prometheus", server.url, "--from", "2026-11-23T12:25:28Z", "--to", "2026-11-23T13:09:18Z",
		"--retry-for", "0s", "--max-queries-per-second", "0", "--max-queries-in-flight", "1"}, query...)
	audited := func(text string) fleet.Audit {
		t.Helper()
		var audit fleet.Audit
		if err := json.Unmarshal([]byte(text), &audit); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		for i := range audit.Rows {
			audit.Rows[i].File, audit.Rows[i].Line = "", 0
		}
		return audit
	}
	whole := call(t, "", append(slices.Clone(args), "--state", "whole")...)
	whole.want(t, exitOK, "")
	want := audited(whole.stdout)
	var order []string
	for _, r := range want.Rows {
		order = append(order, fmt.Sprintf("%s %t", r.Object, r.Unjudged == ""))
	}
	if diff := cmp.Diff([]string{"shop/hpa/checkout true", "shop/scaledobject/worker true", "shop/ha/lost false", "shop/hpa/unknown false"}, order); diff != "" {
		t.Fatalf("rows (-want +got):\n%s\n%s", diff, whole.stdout)
	}
	for i, reason := range map[int]string{2: "no samples of nowhere, nor of the replicas", 3: "backlog"} {
		if !strings.Contains(want.Rows[i].Unjudged, reason) {
			t.Errorf("%s: %s, want %s", want.Rows[i].Object, want.Rows[i].Unjudged, reason)
		}
	}
	if a := want.Rows[1].Advice; a == nil || !strings.HasPrefix(a.Patch, "kubectl -n shop patch scaledobject worker ") {
		t.Errorf("the advice is of the ScaledObject: %+v", a)
	}
	for path := range server.paths {
		if path != "/api/v1/read" {
			t.Errorf("asked for %s", path)
		}
	}
	if server.most != 1 {
		t.Errorf("%d requests at a time, want 1", server.most)
	}

	// The same manifests over the same samples.
	write(t, "checkout.yaml", strings.ReplaceAll(strings.Split(auditedObjects, "---\n")[0], "NS", "shop"))
	offline := call(t, "", append([]string{"audit", "-f", "checkout.yaml", "--recording", file}, query...)...)
	offline.want(t, exitOK, "")
	if diff := cmp.Diff(audited(offline.stdout).Rows, want.Rows[:1]); diff != "" {
		t.Errorf("figures (-offline +live):\n%s", diff)
	}

	// Prometheus stops answering; another call is not to begin anew by accident.
	server.stopAfter(3, nil)
	partial := call(t, "", args...)
	partial.want(t, exitFailed, "judged before Prometheus stopped answering: ")
	if got := audited(partial.stdout); len(got.Rows) >= len(want.Rows) || got.Partial == "" {
		t.Errorf("%d rows, partial: %q", len(got.Rows), got.Partial)
	}
	call(t, "", args...).refused(t, "--state karpenter-audit: an audit is there that did not come to its end: karpenter audit ")
	call(t, "", append(slices.Clone(args), "--resume", "--advise=false")...).refused(t, "was begun with other flags")

	// Somebody interrupts the second attempt.
	ctx, cancel := context.WithCancel(t.Context())
	server.stopAfter(4, cancel)
	var stdout, stderr strings.Builder
	a := &app{stdout: &stdout, stderr: &stderr}
	if code := a.run(ctx, append(slices.Clone(args), "--resume")); code != exitInterrupted || !strings.Contains(stderr.String(), "before it was interrupted; go on with: karpenter audit ") {
		t.Errorf("code %d: %s", code, stderr.String())
	}
	if got := audited(stdout.String()); got.Partial == "" {
		t.Error("the interrupted audit does not say that it is partial")
	}

	server.stopAfter(-1, nil)
	resumed := call(t, "", append(slices.Clone(args), "--resume")...)
	resumed.want(t, exitOK, "")
	got := audited(resumed.stdout)
	got.Command, want.Command = "", ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resumed (-whole +resumed):\n%s", diff)
	}
	// What is finished is shown without any server's help.
	server.stopAfter(0, nil)
	again := call(t, "", append(slices.Clone(args), "--resume")...)
	again.want(t, exitOK, "")
	if diff := cmp.Diff(got.Rows, audited(again.stdout).Rows); diff != "" {
		t.Error(diff)
	}

	// All namespaces are more than this user may list.
	call(t, "", "audit", "--kubeconfig", kubeconfig, "-A", "--prometheus", server.url, "--state", "other").refused(t, "503")
	server.stopAfter(-1, nil)
	call(t, "", "audit", "--kubeconfig", kubeconfig, "-A", "--prometheus", server.url, "--state", "other", "-q").refused(t, "needed is the right to list them")
}
