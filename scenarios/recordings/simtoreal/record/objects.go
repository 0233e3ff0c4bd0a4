package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// deploy creates the Deployment web in a namespace, whose pods take from least to
// most to become ready, both as Go writes durations.
func (p *plane) deploy(ctx context.Context, namespace string, replicas int32, least, most string) error {
	err := p.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	labels := map[string]string{"app": "web"}
	return p.client.Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{startDelay: least, startDelayMost: most}},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: ptr.To(int64(1)),
					Containers: []corev1.Container{{
						Name: "web", Image: "web",
						Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}},
					}},
				},
			},
		},
	})
}

// ready waits until all replicas of a namespace's Deployment are.
func (p *plane) ready(ctx context.Context, namespace string) error {
	return eventually(ctx, "the pods of "+namespace+" are ready", func() error {
		d := &appsv1.Deployment{}
		if err := p.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "web"}, d); err != nil {
			return err
		}
		if d.Status.ReadyReplicas != *d.Spec.Replicas {
			return fmt.Errorf("%d of %d", d.Status.ReadyReplicas, *d.Spec.Replicas)
		}
		return p.running()
	})
}

// remove deletes what scales in a namespace and what is scaled, and waits until the
// pods are gone.
func (p *plane) remove(ctx context.Context, namespace string) error {
	for _, kind := range []client.Object{&v1alpha1.HorizontalAutoscaler{}, &appsv1.Deployment{}} {
		if err := p.client.DeleteAllOf(ctx, kind, client.InNamespace(namespace), client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
			return err
		}
	}
	return eventually(ctx, "the pods of "+namespace+" are gone", func() error {
		var pods corev1.PodList
		if err := p.client.List(ctx, &pods, client.InNamespace(namespace)); err != nil {
			return err
		}
		if len(pods.Items) > 0 {
			return fmt.Errorf("%d are left", len(pods.Items))
		}
		return nil
	})
}
