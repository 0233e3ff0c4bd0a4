package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/cmd/controller/charts"
	"github.com/karpenter-sim/karpenter/cmd/controller/share"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
	"github.com/karpenter-sim/karpenter/sim/output"
)

// programs is the directory of what tests build.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "karpenter-test-"); err != nil {
		panic(err)
	}
	code := servertest.Main(m)
	os.RemoveAll(programs)
	os.Exit(code)
}

// An installation is a release in a namespace of its own, on a node that only
// forwards ports; the controllers are the test's.
type installation struct {
	t          *testing.T
	client     client.Client
	namespace  string
	kubelet    *servertest.Kubelet
	kubeconfig string
	deployment appsv1.Deployment
}

// install applies of the chart what fetch needs and moves to a new directory,
// with a kubeconfig of a user who may only read the journal.
func install(t *testing.T) *installation {
	t.Helper()
	api, err := client.New(servertest.Config(t), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	i := &installation{t: t, client: api}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "journal-"}}
	i.create(namespace)
	i.namespace = namespace.Name
	i.kubelet = servertest.NewKubelet(t, api, i.namespace)

	values, err := charts.Values()
	if err != nil {
		t.Fatal(err)
	}
	documents, err := charts.Render("v0.1.0", i.namespace, values)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		switch {
		case strings.Contains(d, "\nkind: Deployment\n"):
			err = yaml.UnmarshalStrict([]byte(d), &i.deployment)
		case strings.Contains(d, "\n  name: "+journalRole+"\n"):
			role := &rbacv1.Role{}
			if err = yaml.UnmarshalStrict([]byte(d), role); err == nil {
				i.create(role)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	i.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "journal", Namespace: i.namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: journalRole},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "reader-" + i.namespace}},
	})
	i.waitFor("reader-"+i.namespace, "create", "portforward")
	t.Chdir(t.TempDir())
	i.kubeconfig = i.user("reader-" + i.namespace)
	return i
}

func (i *installation) create(o client.Object) {
	i.t.Helper()
	if err := i.client.Create(context.Background(), o); err != nil {
		i.t.Fatal(err)
	}
}

// waitFor waits until the API server has heard of a right to pods that was given.
func (i *installation) waitFor(user, verb, subresource string) {
	i.t.Helper()
	err := wait.PollUntilContextTimeout(i.t.Context(), 10*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: i.namespace, Verb: verb, Resource: "pods", Subresource: subresource},
		}}
		err := i.client.Create(ctx, review)
		return review.Status.Allowed, err
	})
	if err != nil {
		i.t.Fatal(err)
	}
}

// user is the kubeconfig of a user.
func (i *installation) user(name string) string {
	i.t.Helper()
	user, err := servertest.Environment(i.t).ControlPlane.AddUser(envtest.User{Name: name}, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	content, err := user.KubeConfig()
	if err != nil {
		i.t.Fatal(err)
	}
	path := filepath.Join(i.t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		i.t.Fatal(err)
	}
	return path
}

// pod makes one of the deployment's and takes it to a phase.
func (i *installation) pod(name string, phase corev1.PodPhase) *corev1.Pod {
	i.t.Helper()
	template := i.deployment.Spec.Template.DeepCopy()
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Name, pod.Namespace, pod.Spec.NodeName = name, i.namespace, i.kubelet.Node
	pod.Spec.ServiceAccountName, pod.Spec.AutomountServiceAccountToken = "", new(bool)
	i.create(pod)
	pod.Status.Phase = phase
	if err := i.client.Status().Update(context.Background(), pod); err != nil {
		i.t.Fatal(err)
	}
	return pod
}

// serves is a running pod whose journal is in a directory of this machine.
func (i *installation) serves(name, directory string) {
	i.t.Helper()
	pod := i.pod(name, corev1.PodRunning)
	server := httptest.NewServer(share.Handler(directory))
	i.t.Cleanup(server.Close)
	i.kubelet.Listen(client.ObjectKeyFromObject(pod), 8083, server.Listener.Addr().String())
}

func (i *installation) fetch(args ...string) called {
	i.t.Helper()
	return call(i.t, "", append([]string{"journal", "fetch", "--kubeconfig", i.kubeconfig, "-n", i.namespace, "--out", "here"}, args...)...)
}

// fetched fails unless a call says "STATE FILE" of these files, sorted.
func (i *installation) fetched(want ...string) {
	i.t.Helper()
	c := i.fetch("-o", "json")
	c.want(i.t, exitOK, "")
	var files []fetchedFile
	if err := json.Unmarshal([]byte(c.stdout), &files); err != nil {
		i.t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.State+" "+f.File)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		i.t.Errorf("fetched (-want +got):\n%s", diff)
	}
}

// same fails unless two files are equal.
func same(t *testing.T, a, b string) {
	t.Helper()
	if read(t, a) != read(t, b) {
		t.Errorf("%s and %s differ", a, b)
	}
}

// TestFetch follows the files of two pods from the first lines to retention.
func TestFetch(t *testing.T) {
	text := played(t)
	i := install(t)
	const a, b = "decisions-20260105T080000Z-pod-a-0001.jsonl", "decisions-20260105T080000Z-pod-b-0001.jsonl"
	first, second := t.TempDir(), t.TempDir()
	i.serves("pod-a", first)
	i.serves("pod-b", second)
	i.pod("pod-c", corev1.PodPending)

	i.fetched() // nothing was written yet
	if diff := cmp.Diff([]string{output.Marker}, entriesOf(t, "here")); diff != "" {
		t.Errorf("here (-want +got):\n%s", diff)
	}

	half := strings.LastIndexByte(text[:len(text)/2], '\n') + 1
	write(t, filepath.Join(first, a), text[:half+100]) // its last line is not whole yet
	write(t, filepath.Join(second, b), "")             // has just been begun
	write(t, filepath.Join(first, ".compressing-1"), "not for anybody")
	i.fetched("new "+a, "new "+b)
	same(t, filepath.Join(first, a), filepath.Join("here", a))
	if c := call(t, "", "verify", filepath.Join("here", a)); c.code != exitOK || !strings.Contains(c.stdout, "last line torn") {
		t.Errorf("verify: code %d\n%s%s", c.code, c.stdout, c.stderr)
	}
	i.fetched("unchanged "+a, "unchanged "+b)

	write(t, filepath.Join(first, a), text)
	write(t, filepath.Join(second, b), text)
	c := i.fetch("-o", "json")
	var files []fetchedFile
	if err := json.Unmarshal([]byte(c.stdout), &files); err != nil {
		t.Fatalf("%v: %+v", err, c)
	}
	if rest := int64(len(text) - half - 100 + overlap); len(files) != 2 || files[0].State != fileGrown || files[0].Fetched != rest {
		t.Errorf("got %+v, want of the first %d bytes", files, rest)
	}
	same(t, filepath.Join(first, a), filepath.Join("here", a))

	// Compressed in one pod; in the other, both forms stand for a moment.
	write(t, filepath.Join(first, a+".gz"), zipped(t, text))
	if err := os.Remove(filepath.Join(first, a)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(second, b+".gz"), zipped(t, text))
	i.fetched("grown "+a+".gz", "grown "+b+".gz")
	same(t, filepath.Join(first, a+".gz"), filepath.Join("here", a+".gz"))
	if diff := cmp.Diff([]string{a + ".gz", b + ".gz", output.Marker}, entriesOf(t, "here")); diff != "" {
		t.Errorf("here (-want +got):\n%s", diff)
	}
	call(t, "", "verify", "here").want(t, exitOK, "")
	call(t, "", "explain", "here/"+a+".gz", "default/ha/web").want(t, exitOK, "")

	// Expired there, kept here.
	if err := os.Remove(filepath.Join(first, a+".gz")); err != nil {
		t.Fatal(err)
	}
	i.fetched("unchanged " + b + ".gz")
	call(t, "", "verify", "here").want(t, exitOK, "")
}

// entriesOf lists a directory, with what is hidden.
func entriesOf(t *testing.T, directory string) []string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestFetchOtherFile has a file here that is no beginning of the one there.
func TestFetchOtherFile(t *testing.T) {
	text := played(t)
	i := install(t)
	const name = "decisions-20260105T080000Z-pod-a-0001.jsonl"
	there := t.TempDir()
	i.serves("pod-a", there)
	write(t, filepath.Join(there, name), strings.Repeat("{}\n", 300))
	i.fetched("new " + name)
	write(t, filepath.Join(there, name), text)
	i.fetched("grown " + name)
	same(t, filepath.Join(there, name), filepath.Join("here", name))
}

// TestFetchForeignFile has a file of the same name here that fetch did not bring:
// it may be the only copy, and stays.
func TestFetchForeignFile(t *testing.T) {
	text := played(t)
	i := install(t)
	const name, foreign = "decisions-20260105T080000Z-pod-a-0001.jsonl", "decisions-20260105T080000Z-pod-b-0001.jsonl"
	there := t.TempDir()
	i.serves("pod-a", there)
	write(t, filepath.Join(there, name), text)

	mine := text[:len(text)/2]
	write(t, filepath.Join("here", name), mine)
	i.fetch("-q").refused(t, "--out here: holds what karpenter did not write: "+name+"; name a new or an empty directory")
	if diff := cmp.Diff([]string{name}, entriesOf(t, "here")); diff != "" {
		t.Errorf("here (-want +got):\n%s", diff)
	}
	if got := read(t, filepath.Join("here", name)); got != mine {
		t.Errorf("the file changed: %q", got)
	}

	// Beside what was fetched as well.
	if err := os.Remove(filepath.Join("here", name)); err != nil {
		t.Fatal(err)
	}
	i.fetched("new " + name)
	write(t, filepath.Join("here", foreign), mine)
	i.fetch("-q").refused(t, "--out here: holds what karpenter did not write beside its own: "+foreign)
	if got := read(t, filepath.Join("here", foreign)); got != mine {
		t.Errorf("the file changed: %q", got)
	}
}

// TestFetchSince leaves out what was written before.
func TestFetchSince(t *testing.T) {
	i := install(t)
	there := t.TempDir()
	i.serves("pod-a", there)
	for name, age := range map[string]time.Duration{"decisions-1-pod-a-0001.jsonl.gz": 72 * time.Hour, "decisions-2-pod-a-0002.jsonl.gz": time.Hour} {
		path := filepath.Join(there, name)
		write(t, path, zipped(t, name))
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	c := i.fetch("--since", "36h")
	c.want(t, exitOK, "1 file in here: 1 file brought")
	if diff := cmp.Diff([]string{"decisions-2-pod-a-0002.jsonl.gz", output.Marker}, entriesOf(t, "here")); diff != "" {
		t.Error(diff)
	}
	i.fetch("--since", "4d").want(t, exitOK, "2 files in here: 1 file brought")
}

// TestFetchFails says each time what to do.
func TestFetchFails(t *testing.T) {
	i := install(t)
	i.fetch().refused(t, "no pod with the labels app.kubernetes.io/name=karpenter-autoscaling in the namespace "+i.namespace+"; name another namespace with -n")
	i.pod("pending", corev1.PodPending)
	i.fetch().refused(t, "no pod of the controller runs in the namespace "+i.namespace+": pending is Pending")

	reader := i.kubeconfig
	i.kubeconfig = i.user("stranger-" + i.namespace)
	i.fetch().refused(t, "kubectl create rolebinding journal -n "+i.namespace+" --role karpenter-autoscaling-journal --user NAME")
	i.create(&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "list", Namespace: i.namespace},
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}}})
	i.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "list", Namespace: i.namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "list"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "stranger-" + i.namespace}},
	})
	i.waitFor("stranger-"+i.namespace, "list", "")
	i.pod("silent", corev1.PodRunning)
	i.fetch("-q").want(t, exitInvalid, `cannot create resource "pods/portforward"`)
	i.kubeconfig = reader
	i.fetch("-q").want(t, exitInvalid, "pod "+i.namespace+"/silent: nothing serves the journal there: the controller is starting, or runs without --journal-address")
	if _, err := os.Lstat("here"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("calls that brought nothing left a directory: %v", err)
	}

	there := t.TempDir()
	write(t, filepath.Join(there, "decisions-1-pod-0001.jsonl.gz"), zipped(t, "x"))
	i.serves("talking", there)
	c := i.fetch("-q")
	c.want(t, exitInvalid, "silent")
	if !strings.Contains(c.stdout, "decisions-1-pod-0001.jsonl.gz  talking") {
		t.Errorf("one pod's failure cost the other's files:\n%s", c.stdout)
	}
	i.serves("stdout", "")
	i.fetch("-q").want(t, exitInvalid, "pod "+i.namespace+"/stdout: the controller writes no journal files: it runs without --journal-dir; with --journal-stdout: kubectl logs -n "+i.namespace+" stdout | grep '^{\"v\":' | karpenter verify -")
	i.deployment.Spec.Template.Spec.Containers[0].Ports = nil
	i.pod("old", corev1.PodRunning)
	i.fetch("-q").want(t, exitInvalid, `pod `+i.namespace+`/old: no port named "journal"`)
}

// TestFetchRefuses what needs no cluster to be known.
func TestFetchRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("KUBECONFIG", "none")
	t.Setenv("HOME", t.TempDir())
	write(t, "file", "")
	call(t, "", "journal", "fetch").refused(t, "--out is required")
	call(t, "", "journal", "fetch", "--out", "here").refused(t, "no cluster: there is no kubeconfig; name one with --kubeconfig or KUBECONFIG")
	call(t, "", "journal", "fetch", "--out", "here", "--kubeconfig", "missing").refused(t, "missing")
	call(t, "", "journal", "fetch", "--out", "here", "--since", "soon").refused(t, `--since "soon" is no time`)
	call(t, "", "journal", "fetch", "--out", "here", "--tz", "Mars", "--since", "10:00").refused(t, "--tz Mars")
	call(t, "", "journal", "fetch", "--out", "here", "-o", "xml").refused(t, "-o xml: want table, json or yaml")
	call(t, "", "journal", "fetch", "here").refused(t, `unexpected argument "here": fetch takes flags only`)
	call(t, "", "journal", "bring").refused(t, `unknown command "karpenter journal bring"`)
}

// TestFetchFromController takes the journal of the built controller, while it
// decides every second, and again when it was killed.
func TestFetchFromController(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "controller")
	if out, err := exec.Command("go", "build", "-o", binary, "../controller").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	i := install(t)
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"10"]}]}}`, r.FormValue("time"))
	}))
	t.Cleanup(prometheus.Close)
	write(t, "objects.yaml", strings.ReplaceAll(fetchedObjects, "NAMESPACE", i.namespace))
	kubectl := servertest.Environment(t).ControlPlane.KubeCtl()
	if _, stderr, err := kubectl.Run("apply", "-f", "objects.yaml"); err != nil {
		said, _ := io.ReadAll(stderr)
		t.Fatalf("kubectl apply: %v\n%s", err, said)
	}
	write(t, "admin", string(servertest.Environment(t).KubeConfig))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	controller := exec.Command(binary, "--kubeconfig", "admin", "--prometheus-uri", prometheus.URL, "--leader-elect=false",
		"--metrics-port", "0", "--health-probe-address", "127.0.0.1:0", "--journal-dir", "journal", "--journal-address", address)
	var said bytes.Buffer
	controller.Stderr = &said
	if err := controller.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = controller.Process.Kill() })
	pod := i.pod("controller", corev1.PodRunning)
	i.kubelet.Listen(client.ObjectKeyFromObject(pod), 8083, address)

	seen := 0
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		c := i.fetch("-q")
		if c.code != exitOK || cmp.Equal([]string{output.Marker}, entriesOf(t, "here")) {
			return false, nil // it is starting
		}
		v := call(t, "", "verify", "here", "-o", "json")
		var files []verifiedFile
		if err := json.Unmarshal([]byte(v.stdout), &files); err != nil || v.code == exitFailed {
			return false, fmt.Errorf("%+v", v)
		}
		if len(files) == 1 && files[0].Verified > seen {
			seen = files[0].Verified
		}
		return seen >= 3, nil
	})
	if err != nil {
		t.Fatalf("%v; %d records\n%s", err, seen, said.String())
	}
	call(t, "", "explain", "here", i.namespace+"/ha/web").want(t, exitOK, "")

	live := []string{"explain", "ha/web", "-n", i.namespace, "--controller-namespace", i.namespace, "--kubeconfig", "admin"}
	c := call(t, "", live...)
	c.want(t, exitOK, "")
	for _, text := range []string{i.namespace + "/HorizontalAutoscaler/web", "CONDITION", "AbleToScale", "Ready", "Deployment web: spec", "load"} {
		if !strings.Contains(c.stdout, text) {
			t.Errorf("%v lacks %q:\n%s", live, text, c.stdout)
		}
	}
	call(t, "", append(live, "--from", "-10s", "-o", "json")...).want(t, exitOK, "")
	call(t, "", "__complete", "explain", "-n", i.namespace, "--kubeconfig", "admin", "ha/w").want(t, exitOK, "")
	if c := call(t, "", "__complete", "explain", "-n", i.namespace, "--kubeconfig", "admin", "ha/w"); !strings.HasPrefix(c.stdout, "ha/web\n") {
		t.Errorf("completion: %s", c.stdout)
	}
	call(t, "", "explain", "ha/absent", "-n", i.namespace, "--kubeconfig", "admin").refused(t, i.namespace+`/HorizontalAutoscaler/absent of the cluster, as no journal is given: horizontalautoscalers.autoscaling.karpenter.sh "absent" not found`)

	if err := controller.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = controller.Wait()
	c = call(t, "", live...) // the status is there, the decisions are not
	c.want(t, exitOK, "")
	if !strings.Contains(c.stdout, "CONDITION") || !strings.Contains(c.stdout, "cannot be read") {
		t.Errorf("without a controller: %s", c.stdout)
	}
	call(t, "", append(live, "--at", "-10s")...).want(t, exitInvalid, "nothing serves the journal there")
	i.fetch("-q").want(t, exitInvalid, "nothing serves the journal there")
}

// fetchedObjects decide every second.
const fetchedObjects = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web, namespace: NAMESPACE}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 10
  pollingIntervalSeconds: 1
  metrics:
  - prometheus:
      query: load
      target: {type: AverageValue, value: 4}
`

// A time of day or a weekday is the last one, also within its own minute.
func TestSinceTime(t *testing.T) {
	now := utc("2026-01-10T10:00:30Z") // a Saturday
	for name, c := range map[string]struct{ reason, since, want string }{
		"ThisMinute": {"began half a minute ago, and not a day ago", "10:00", "2026-01-10T10:00:00Z"},
		"Later":      {"what is still to come was yesterday", "10:01", "2026-01-09T10:01:00Z"},
		"Second":     {"to the second", "10:00:31", "2026-01-09T10:00:31Z"},
		"Today":      {"a day is its beginning", "Sat", "2026-01-10T00:00:00Z"},
		"Weekday":    {"of another day, too", "Monday", "2026-01-05T00:00:00Z"},
		"WeekdayAt":  {"or a time of it", "Sat 11:00", "2026-01-03T11:00:00Z"},
		"Duration":   {"back from now", "36h", "2026-01-08T22:00:30Z"},
		"Date":       {"an instant", "2026-01-01 12:00", "2026-01-01T12:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := (&fetchFlags{since: c.since, zone: "UTC"}).sinceTime(now)
			if err != nil || !got.Equal(utc(c.want)) {
				t.Errorf("%s: --since %s is %s, %v; want %s", c.reason, c.since, got, err, c.want)
			}
		})
	}
}
