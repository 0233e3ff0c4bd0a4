package main

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	names "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// image is where make images publishes this program.
const image = "ghcr.io/karpenter-sim/karpenter/karpenter"

// released is a version that images are published in.
var released = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// A shardedJob holds what tune manifest writes.
type shardedJob struct {
	name, namespace, image string
	claim, data            string
	shards, parallel       int
	cpu, memory            string
}

func (a *app) tuneManifestCommand() *cobra.Command {
	var j shardedJob
	c := &cobra.Command{
		Use:   "manifest --claim PVC [--image IMAGE] [flags] -- TUNE-ARGUMENTS ...",
		Short: "Print a Kubernetes Indexed Job that carries out a search in shards",
		Long: `Prints an Indexed Job whose pods carry out one shard each, and a suspended Job that
merges them. Scenarios and recordings are read from the volume that the claim
names, and the results are written there; paths in the arguments are below --data.
What follows -- are arguments of tune, without --out, --shard and --resume.`,
		Example: `  karpenter tune manifest --claim recordings --shards 16 -- \
      week.yaml --trials 20000 --seed 1 | kubectl apply -f -
  kubectl wait --for=condition=complete job/tune --timeout=2h
  kubectl patch job tune-merge --type=merge -p '{"spec":{"suspend":false}}'`,
		Args: someArgs("arguments of tune after --"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := j.check(args); err != nil {
				return err
			}
			return a.printJobs(j.indexed(args), j.merge())
		},
	}
	flags := c.Flags()
	flags.StringVar(&j.name, "name", "tune", "name of the Job")
	flags.StringVar(&j.namespace, "namespace", "default", "namespace of the Job")
	flags.StringVar(&j.image, "image", "", "container image with the program karpenter (default: this release's, where this is one)")
	flags.StringVar(&j.claim, "claim", "", "PersistentVolumeClaim with scenarios and recordings, that several pods can write to (required)")
	flags.StringVar(&j.data, "data", "/data", "where the volume is mounted, and what relative paths are below")
	flags.IntVar(&j.shards, "shards", 8, "pods that the search is divided among")
	flags.IntVar(&j.parallel, "parallelism", 0, "pods that run at once (default: all)")
	flags.StringVar(&j.cpu, "cpu", "2", "CPU request of a pod; it uses as many cores as it may")
	flags.StringVar(&j.memory, "memory", "1Gi", "memory request and limit of a pod")
	return c
}

func (j *shardedJob) check(args []string) error {
	if j.parallel == 0 {
		j.parallel = j.shards
	}
	if j.image == "" && released.MatchString(release) {
		j.image = image + ":" + release
	}
	switch {
	case j.image == "":
		return errors.New("--image is required: a container image with the program karpenter; only a release knows its own")
	case j.claim == "":
		return errors.New("--claim is required: the PersistentVolumeClaim with scenarios and recordings")
	case j.shards < 1 || j.shards > 1000:
		return fmt.Errorf("--shards %d: want 1 to 1000", j.shards)
	case j.parallel < 1 || j.parallel > j.shards:
		return fmt.Errorf("--parallelism %d: want 1 to %d, the number of shards", j.parallel, j.shards)
	case !path.IsAbs(j.data):
		return fmt.Errorf("--data %s: want an absolute path", j.data)
	}
	for _, flag := range []struct{ name, value string }{{"name", j.name + "-merge"}, {"namespace", j.namespace}} {
		if errs := names.IsDNS1123Label(flag.value); len(errs) > 0 {
			return fmt.Errorf("--%s %s: %s", flag.name, flag.value, errs[0])
		}
	}
	if errs := names.IsDNS1123Subdomain(j.claim); len(errs) > 0 {
		return fmt.Errorf("--claim %s: %s", j.claim, errs[0])
	}
	for _, flag := range []struct{ name, value string }{{"cpu", j.cpu}, {"memory", j.memory}} {
		if q, err := resource.ParseQuantity(flag.value); err != nil || q.Sign() <= 0 {
			return fmt.Errorf("--%s %s: want a quantity above 0 such as 2 or 1Gi", flag.name, flag.value)
		}
	}
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		if slices.Contains([]string{"--out", "--shard", "--resume"}, name) {
			return fmt.Errorf("%s: the Job says that itself; leave it out after --", name)
		}
	}
	return nil
}

// shardIndex is the text that Kubernetes replaces in the arguments of an Indexed Job's
// pods by their index, from 0.
const shardIndex = "$(JOB_COMPLETION_INDEX)"

// indexed is the Job whose pods carry out one shard each. A pod that is
// restarted goes on where it ended.
func (j *shardedJob) indexed(args []string) *batchv1.Job {
	words := []string{"tune"}
	for _, arg := range args {
		// A dollar of the user's is none of Kubernetes'.
		words = append(words, strings.ReplaceAll(arg, "$(", "$$("))
	}
	words = append(words, fmt.Sprintf("--shard=%s+1/%d", shardIndex, j.shards), "--out="+j.results()+"/shard-"+shardIndex, "--resume", "--quiet")
	job := j.job(j.name, words)
	job.Spec.CompletionMode = ptr.To(batchv1.IndexedCompletion)
	job.Spec.Completions, job.Spec.Parallelism = ptr.To(int32(j.shards)), ptr.To(int32(j.parallel))
	job.Spec.BackoffLimitPerIndex = ptr.To(int32(3))
	return job
}

// merge is the suspended Job that puts the shards together.
func (j *shardedJob) merge() *batchv1.Job {
	words := []string{"tune", "merge"}
	for i := range j.shards {
		words = append(words, fmt.Sprintf("%s/shard-%d", j.results(), i))
	}
	job := j.job(j.name+"-merge", append(words, "--out="+j.results()+"/result", "--quiet"))
	job.Spec.Suspend = ptr.To(true)
	job.Spec.BackoffLimit = ptr.To(int32(1))
	return job
}

// results is the directory below the volume that a search writes to.
func (j *shardedJob) results() string { return path.Join(j.data, j.name) }

// nobody is the user of images without a root, and the group of the volume.
const nobody int64 = 65532

// job is a Job of one container with the volume.
func (j *shardedJob) job(name string, args []string) *batchv1.Job {
	labels := map[string]string{"app.kubernetes.io/name": "karpenter", "app.kubernetes.io/component": "tune", "app.kubernetes.io/instance": j.name}
	memory := resource.MustParse(j.memory)
	return &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: j.namespace, Labels: labels},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{
				RestartPolicy:                corev1.RestartPolicyNever,
				AutomountServiceAccountToken: ptr.To(false),
				SecurityContext: &corev1.PodSecurityContext{
					RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To(nobody), FSGroup: ptr.To(nobody), // the group may write to the volume
					SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
				},
				Containers: []corev1.Container{{
					Name: "tune", Image: j.image, WorkingDir: j.data,
					Command: []string{"karpenter"}, Args: args,
					Resources: corev1.ResourceRequirements{
						Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(j.cpu), corev1.ResourceMemory: memory},
						Limits:   corev1.ResourceList{corev1.ResourceMemory: memory},
					},
					SecurityContext: &corev1.SecurityContext{
						AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
						Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
					},
					VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: j.data}, {Name: "tmp", MountPath: "/tmp"}},
				}},
				Volumes: []corev1.Volume{
					{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: j.claim}}},
					{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				},
			},
		}},
	}
}

// printJobs prints documents on stdout.
func (a *app) printJobs(jobs ...*batchv1.Job) error {
	for i, job := range jobs {
		text, err := manifest.MarshalObject(job)
		if err != nil {
			return internal(err)
		}
		if i > 0 {
			text = append([]byte("---\n"), text...)
		}
		if err := a.writeYAML(text); err != nil {
			return internal(err)
		}
	}
	return nil
}
