package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// installation is the namespace and the service account of a release.
const installation = "karpenter-autoscaling"

// install applies a release as a user would.
func install(t *testing.T, settings ...string) {
	t.Helper()
	directory := t.TempDir()
	arguments := []string{"run", "../manifests", "--version", "v0.1.0", "--out", directory}
	for _, s := range settings {
		arguments = append(arguments, "--set", s)
	}
	if out, err := exec.Command("go", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("go %q: %v\n%s", arguments, err, out)
	}
	_, stderr, err := servertest.Environment(t).ControlPlane.KubeCtl().Run("apply", "-f", filepath.Join(directory, "none", "v0.1.0.yaml"))
	if err != nil {
		said, _ := io.ReadAll(stderr)
		t.Fatalf("kubectl apply: %v\n%s", err, said)
	}
}

// tokenOf is a service account's.
func tokenOf(t *testing.T, namespace, account string) string {
	t.Helper()
	accounts := kubernetes.NewForConfigOrDie(servertest.Config(t)).CoreV1().ServiceAccounts(namespace)
	request, err := accounts.CreateToken(context.Background(), account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// kubeconfigOf has no other rights than a token's.
func kubeconfigOf(t *testing.T, token, file string) {
	t.Helper()
	server := servertest.Config(t)
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: server.Host, CertificateAuthorityData: server.CAData}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// A guarded server answers those that have the secret.
func guarded(t *testing.T, secret string) (url, authority string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"status":"success","warnings":["PromQL warning: careful"],"data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"70"]}]}}`, r.FormValue("time"))
	}))
	t.Cleanup(server.Close)
	return server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// An answer is what came of a request.
type answer struct {
	status int
	body   string
}

func get(t *testing.T, url, token string) answer {
	t.Helper()
	caller := &http.Client{Timeout: timeout, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, // the certificate is made at the start
	}}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := caller.Do(request)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{body: err.Error()}
	}
	return answer{response.StatusCode, string(body)}
}

// TestInstalled runs the built controller with the rights that a release gives
// its service account and no others, before a Prometheus that wants TLS and a
// token, and asks for what a cluster asks: probes, metrics of those who may see
// them, and no secret anywhere.
func TestInstalled(t *testing.T) {
	t.Parallel()
	servertest.Own(t)
	const secret = "hunter2"
	o := observe(t, "installed")
	install(t, "metrics.secure=true")
	reader := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "metrics-reader"},
		Rules:      []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}},
	}
	bound := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "metrics-reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "installed", Name: "prometheus"}},
	}
	o.create(
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "prometheus"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "nobody"}}, reader, bound,
		deployment("web", 1), autoscalerOf("web", v1alpha1.Behavior{}),
	)

	directory := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	url, authority := guarded(t, secret)
	file("ca.pem", authority)
	file("token", secret+"\n")
	settings := file("http.yaml", "tls_config: {ca_file: ca.pem}\nauthorization: {credentials_file: token}\n")
	access := filepath.Join(directory, "own-kubeconfig")
	kubeconfigOf(t, tokenOf(t, installation, installation), access)
	metrics, probes, profiles := freePort(t), freePort(t), freePort(t)
	p := &process{
		t: t, name: "controller", binary: build(t, directory), journal: filepath.Join(directory, "journal"),
		flags: []string{
			"--kubeconfig", access, "--prometheus-uri", url, "--http.config.file", settings,
			"--metrics-port", metrics, "--metrics-secure", "--health-probe-address", "127.0.0.1:" + probes, "--pprof", "127.0.0.1:" + profiles,
		},
	}
	p.start()
	eventually := func(what string, holds func() bool) {
		t.Helper()
		if err := wait.PollUntilContextTimeout(context.Background(), poll, timeout, true, func(context.Context) (bool, error) { return holds(), nil }); err != nil {
			t.Fatalf("never: %s\n%s", what, p.output.String())
		}
	}
	replicas := func() int32 {
		t.Helper()
		var d appsv1.Deployment
		if err := o.client.Get(context.Background(), types.NamespacedName{Namespace: o.namespace, Name: "web"}, &d); err != nil {
			t.Fatal(err)
		}
		return *d.Spec.Replicas
	}
	for _, probe := range []string{"/healthz", "/readyz"} {
		eventually(probe, func() bool { return get(t, "http://127.0.0.1:"+probes+probe, "").status == http.StatusOK })
	}
	eventually("7 replicas, by its own rights", func() bool { return replicas() == 7 })

	address := "https://127.0.0.1:" + metrics + "/metrics"
	mays := tokenOf(t, o.namespace, "prometheus")
	eventually("metrics are served", func() bool { return get(t, address, "").status != 0 })
	for _, c := range []struct {
		reason, url, token string
		served             bool
	}{
		{"nobody without a token", address, "", false},
		{"nor with a false one", address, "false", false},
		{"nor without the right", address, tokenOf(t, o.namespace, "nobody"), false},
		{"who may sees them", address, mays, true},
		{"not without TLS", strings.Replace(address, "https", "http", 1), mays, false},
		{"profiles are asked for", "http://127.0.0.1:" + profiles + "/debug/pprof/cmdline", "", true},
	} {
		got := get(t, c.url, c.token)
		if served := got.status == http.StatusOK; served != c.served || !served && strings.Contains(got.body, "karpenter_") || strings.Contains(got.body, secret) {
			t.Errorf("%s: got %d, want it served: %t\n%.200s", c.reason, got.status, c.served, got.body)
		}
	}
	const own = `{name="web",namespace="installed"}`
	shown := func() string { return get(t, address, mays).body }
	all := shown()
	for _, series := range []string{
		`karpenter_autoscaling_decisions_total{kind="HorizontalAutoscaler",reason="ScaledUp"} 1`,
		`karpenter_autoscaling_outcomes_total{kind="HorizontalAutoscaler",result="Applied"} 1`,
		`karpenter_autoscaling_decision_duration_seconds_count{kind="HorizontalAutoscaler"}`,
		`karpenter_autoscaling_decision_lateness_seconds_count{kind="HorizontalAutoscaler"}`,
		`karpenter_autoscaling_query_duration_seconds_count{code="OK"}`,
		`karpenter_autoscaling_query_warnings_total`,
		`karpenter_horizontalautoscaler_desired_replicas` + own + ` 7`,
		`karpenter_horizontalautoscaler_current_replicas` + own + ` 7`,
		// Those of libraries that the dashboard and the alerts need.
		`leader_election_master_status{name="karpenter-autoscaling"} 1`, `rest_client_requests_total{`, `go_memstats_heap_inuse_bytes `,
		`process_cpu_seconds_total `, `process_resident_memory_bytes `,
	} {
		eventually(series, func() bool { return strings.Contains(shown(), series) })
	}
	if t.Failed() {
		t.Log(all)
	}

	// A token that is no longer the right one: read anew, refused, and told nobody.
	file("token", "other-"+secret)
	eventually("refused queries", func() bool {
		return strings.Contains(shown(), `karpenter_autoscaling_errors_total{code="Forbidden",source="metric"}`)
	})
	eventually("refused queries in the log", func() bool { return strings.Contains(p.output.String(), "query failed") })
	file("token", secret)

	// A dry-run release takes the right to scale away.
	install(t, "dryRun=true", "metrics.secure=true")
	scale := func(n int32) {
		t.Helper()
		patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n))
		if err := o.client.Patch(context.Background(), &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: "web"}}, patch); err != nil {
			t.Fatal(err)
		}
	}
	scale(3)
	eventually("the API server forbids to scale", func() bool {
		return strings.Contains(shown(), `karpenter_autoscaling_outcomes_total{kind="HorizontalAutoscaler",result="Forbidden"}`)
	})
	if n := replicas(); n != 3 {
		t.Errorf("%d replicas without the right to scale, want 3", n)
	}

	told, err := json.Marshal(told(t, o))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(told)+p.output.String(), secret) {
		t.Errorf("the secret is told:\n%s\n%s", told, p.output.String())
	}
	if err := o.client.Delete(context.Background(), &v1alpha1.HorizontalAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: "web"}}); err != nil {
		t.Fatal(err)
	}
	eventually("its series end with it", func() bool { return !strings.Contains(shown(), own) })
	p.terminate()
}

// told is what objects and events say.
func told(t *testing.T, o *observer) []any {
	t.Helper()
	var autoscalers v1alpha1.HorizontalAutoscalerList
	var events corev1.EventList
	for _, list := range []client.ObjectList{&autoscalers, &events} {
		if err := o.client.List(context.Background(), list, client.InNamespace(o.namespace)); err != nil {
			t.Fatal(err)
		}
	}
	if len(autoscalers.Items) == 0 || len(events.Items) == 0 {
		t.Errorf("%d autoscalers and %d events tell anything", len(autoscalers.Items), len(events.Items))
	}
	return []any{autoscalers, events}
}
