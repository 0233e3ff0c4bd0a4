package e2e

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
)

// create applies the targets, as they are when the scenario begins, and the
// autoscalers.
func (l *live) create() {
	for _, ref := range l.refs() {
		l.namespace(ref.Namespace)
		if ref.Kind == journal.ScalableNodeGroup {
			continue
		}
		scale, err := l.stage.Targets().Get(l.ctx, ref, time.Time{})
		l.check(err)
		object := objectOf(ref)
		object.Object["spec"] = workloadSpec(ref, scale.Spec)
		l.check(l.client.Create(l.ctx, object))
	}
	for i := range l.autoscalers {
		o := l.autoscalers[i].Object
		l.namespace(o.Namespace)
		applied := &v1alpha1.HorizontalAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, Annotations: maps.Clone(o.Annotations)}}
		o.Spec.DeepCopyInto(&applied.Spec)
		l.check(l.client.Create(l.ctx, applied))
	}
}

// createCloud applies node groups and producers.
func (l *live) createCloud() {
	for _, o := range l.stage.Groups() {
		l.namespace(o.Namespace)
		applied := &v1alpha1.ScalableNodeGroup{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name}}
		o.Spec.DeepCopyInto(&applied.Spec)
		l.check(l.client.Create(l.ctx, applied))
		o.Status.DeepCopyInto(&applied.Status)
		l.check(l.client.Status().Update(l.ctx, applied))
	}
	for _, o := range l.stage.Producers() {
		l.namespace(o.Namespace)
		applied := &v1alpha1.MetricsProducer{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name}}
		o.Spec.DeepCopyInto(&applied.Spec)
		l.check(l.client.Create(l.ctx, applied))
	}
}

// clear deletes what create applied.
func (l *live) clear() {
	for i := range l.autoscalers {
		o := l.autoscalers[i].Object
		l.check(client.IgnoreNotFound(l.client.Delete(l.ctx, &v1alpha1.HorizontalAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name}})))
	}
	for _, o := range l.stage.Groups() {
		l.check(client.IgnoreNotFound(l.client.Delete(l.ctx, &v1alpha1.ScalableNodeGroup{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name}})))
	}
	for _, o := range l.stage.Producers() {
		l.check(client.IgnoreNotFound(l.client.Delete(l.ctx, &v1alpha1.MetricsProducer{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name}})))
	}
	for _, ref := range l.refs() {
		l.check(client.IgnoreNotFound(l.client.Delete(l.ctx, objectOf(ref), client.PropagationPolicy(metav1.DeletePropagationBackground))))
	}
}

func (l *live) namespace(name string) {
	err := l.client.Create(l.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if !apierrors.IsAlreadyExists(err) {
		l.check(err)
	}
}

// worldPods counts the ready pods of the world, whose pods the server does not have.
type worldPods struct{ targets cycle.ScaleTargets }

func (w worldPods) Ready(ctx context.Context, target cycle.TargetRef, _ string, since time.Time) (kubernetes.ReadyCount, error) {
	scale, err := w.targets.Get(ctx, target, since)
	return kubernetes.ReadyCount{Now: scale.Ready, Least: scale.ReadyLeast, Most: scale.ReadyMost}, err
}

func objectOf(ref cycle.TargetRef) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetAPIVersion(ref.APIVersion)
	o.SetKind(ref.Kind)
	o.SetNamespace(ref.Namespace)
	o.SetName(ref.Name)
	return o
}

// workloadSpec is the least that kinds of apps/v1 want besides replicas.
func workloadSpec(ref cycle.TargetRef, replicas int32) map[string]any {
	labels := map[string]any{"app": ref.Name}
	spec := map[string]any{
		"replicas": int64(replicas),
		"selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{
			"metadata": map[string]any{"labels": labels},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "app", "image": "app"}}},
		},
	}
	if ref.Kind == "StatefulSet" {
		spec["serviceName"] = ref.Name
	}
	return spec
}

// dated is a reader that says of every autoscaler that it was created when the
// scenario began: the server knows only its own clock.
func (l *live) dated(r client.Reader) client.Reader {
	return &datedReader{r, l.created()}
}

func (l *live) created() metav1.Time { return metav1.NewTime(l.in.File.Spec.Start.Time) }

type datedReader struct {
	client.Reader
	created metav1.Time
}

func (d *datedReader) Get(ctx context.Context, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
	err := d.Reader.Get(ctx, key, o, options...)
	o.SetCreationTimestamp(d.created)
	return err
}

type datedWriter struct {
	client.Client
	created metav1.Time
}

func (d *datedWriter) Patch(ctx context.Context, o client.Object, patch client.Patch, options ...client.PatchOption) error {
	err := d.Client.Patch(ctx, o, patch, options...)
	o.SetCreationTimestamp(d.created)
	return err
}

// A lockedJournal keeps what it is told as a journal file.
type lockedJournal struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writer *journal.Writer
}

func newLockedJournal() *lockedJournal {
	j := &lockedJournal{}
	j.writer = journal.NewWriter(&j.text)
	return j
}

func (j *lockedJournal) Record(r *journal.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.writer.Record(r)
}

func (j *lockedJournal) Outcome(o *journal.Outcome) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.writer.Outcome(o)
}
