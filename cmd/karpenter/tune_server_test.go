package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// restricted is a namespace that admits only pods of the restricted standard.
const restricted = "searches"

// TestTuneManifestServer takes what tune manifest prints through a real API
// server, and runs the pods of its Jobs as a kubelet would: the merge has the
// bytes of one run.
func TestTuneManifestServer(t *testing.T) {
	client := kubernetes.NewForConfigOrDie(servertest.Config(t))
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: restricted, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if _, err := client.CoreV1().Namespaces().Create(context.Background(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binary := build(t)
	tuneDir(t)
	data, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	search := tuneArgs("--constraint", "breach_minutes <= 500")[1:]
	printed := call(t, "", append([]string{"tune", "manifest", "--image", "karpenter:v1", "--claim", "recordings", "--namespace", restricted,
		"--data", data, "--shards", "3", "--parallelism", "2", "--"}, search...)...)
	printed.want(t, exitOK, "")
	dryRun(t, client, printed.stdout)
	kubectl(t, printed.stdout, "create", "--validate=strict", "-f")
	// Applied once more, nothing of it may be a field that cannot change.
	kubectl(t, printed.stdout, "apply", "--validate=strict", "-f")

	shards, merge := stored(t, client, "tune"), stored(t, client, "tune-merge")
	checkShards(t, &shards.Spec)
	if !*merge.Spec.Suspend {
		t.Error("the merge must wait for the shards")
	}
	if _, err := client.BatchV1().Jobs(restricted).Patch(context.Background(), "tune-merge", "application/merge-patch+json", []byte(`{"spec":{"suspend":false}}`), metav1.PatchOptions{}); err != nil {
		t.Errorf("start the merge: %v", err)
	}

	for index := range int(*shards.Spec.Completions) {
		pod := admitted(t, client, shards, corev1.EnvVar{Name: "JOB_COMPLETION_INDEX", Value: strconv.Itoa(index)})
		runPod(t, binary, pod)
	}
	runPod(t, binary, admitted(t, client, merge))
	call(t, "", append(append([]string{"tune"}, search...), "--out", "whole")...).want(t, exitOK, "")
	if diff := cmp.Diff(tree(t, "whole"), tree(t, filepath.Join("tune", "result"))); diff != "" {
		t.Errorf("what the Jobs wrote (-one run +Jobs):\n%s", diff)
	}
}

// kubectl runs a command of kubectl on a text.
func kubectl(t *testing.T, text string, args ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jobs.yaml")
	write(t, file, text)
	_, stderr, err := servertest.Environment(t).ControlPlane.KubeCtl().Run(append(args, file)...)
	if err != nil {
		said := new(bytes.Buffer)
		said.ReadFrom(stderr)
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

// dryRun creates the Jobs on the server's side only, and sees that the server
// does refuse: failures are counted by index only where pods have one.
func dryRun(t *testing.T, client kubernetes.Interface, text string) {
	t.Helper()
	options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict}
	for i, document := range strings.Split(text, "---\n") {
		var job batchv1.Job
		if err := yaml.UnmarshalStrict([]byte(document), &job); err != nil {
			t.Fatal(err)
		}
		if _, err := client.BatchV1().Jobs(restricted).Create(context.Background(), &job, options); err != nil {
			t.Errorf("document %d, dry run: %v", i+1, err)
		}
		if i > 0 {
			continue
		}
		job.Spec.CompletionMode = ptr.To(batchv1.NonIndexedCompletion)
		if _, err := client.BatchV1().Jobs(restricted).Create(context.Background(), &job, options); !apierrors.IsInvalid(err) {
			t.Errorf("the server takes anything: %v", err)
		}
	}
}

// stored is a Job as the server keeps it, with its defaults.
func stored(t *testing.T, client kubernetes.Interface, name string) *batchv1.Job {
	t.Helper()
	job, err := client.BatchV1().Jobs(restricted).Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// checkShards sees that the server's defaults leave what makes shards of pods.
func checkShards(t *testing.T, got *batchv1.JobSpec) {
	t.Helper()
	for name, pair := range map[string][2]any{
		"completionMode":       {*got.CompletionMode, batchv1.IndexedCompletion},
		"completions":          {*got.Completions, int32(3)},
		"parallelism":          {*got.Parallelism, int32(2)},
		"backoffLimitPerIndex": {*got.BackoffLimitPerIndex, int32(3)},
		"suspend":              {*got.Suspend, false},
		"restartPolicy":        {got.Template.Spec.RestartPolicy, corev1.RestartPolicyNever},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s %v, want %v", name, pair[0], pair[1])
		}
	}
}

// admitted is a pod of a Job as the Job's controller makes it and the server
// admits it.
func admitted(t *testing.T, client kubernetes.Interface, job *batchv1.Job, env ...corev1.EnvVar) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: *job.Spec.Template.ObjectMeta.DeepCopy(), Spec: *job.Spec.Template.Spec.DeepCopy()}
	pod.GenerateName = job.Name + "-"
	pod.Spec.Containers[0].Env = env
	pod, err := client.CoreV1().Pods(restricted).Create(context.Background(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("a pod of %s: %v", job.Name, err)
	}
	return pod
}

// runPod runs the built program as a kubelet would run it in the pod:
// variables in the arguments replaced, $$ a dollar.
func runPod(t *testing.T, binary string, pod *corev1.Pod) {
	t.Helper()
	container := &pod.Spec.Containers[0]
	variables := []string{"$$", "$"}
	for _, v := range container.Env {
		variables = append(variables, "$("+v.Name+")", v.Value)
	}
	expand := strings.NewReplacer(variables...)
	var args []string
	for _, arg := range container.Args {
		args = append(args, expand.Replace(arg))
	}
	if container.Command[0] != filepath.Base(binary) {
		t.Fatalf("the pod runs %s, not %s", container.Command[0], filepath.Base(binary))
	}
	command := exec.Command(binary, args...)
	command.Dir = container.WorkingDir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("karpenter %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
