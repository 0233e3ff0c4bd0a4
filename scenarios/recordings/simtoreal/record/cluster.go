package main

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/karpenter-sim/karpenter/scenarios/recordings/simtoreal"
)

// A cluster holds what the API server says of Deployments and their pods. It notes
// when counts change, and exports them under the names of kube-state-metrics.
type cluster struct {
	deployments appslisters.DeploymentLister
	pods        corelisters.PodLister

	mu      sync.Mutex
	ready   map[string]map[string]bool // by namespace and pod
	courses map[string]*course
}

// A course is how the counts of a namespace's one Deployment moved.
type course struct {
	spec, ready simtoreal.Steps
	// changed is called with each new count of ready pods.
	changed func(ready int)
}

// watch begins to watch.
func watch(ctx context.Context, config *rest.Config) (*cluster, error) {
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactory(api, 0)
	deployments, pods := factory.Apps().V1().Deployments(), factory.Core().V1().Pods()
	c := &cluster{deployments: deployments.Lister(), pods: pods.Lister(), ready: map[string]map[string]bool{}, courses: map[string]*course{}}
	for _, of := range []struct {
		informer cache.SharedIndexInformer
		handler  func(object any, gone bool)
	}{{deployments.Informer(), c.noteDeployment}, {pods.Informer(), c.notePod}} {
		_, err := of.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { of.handler(o, false) },
			UpdateFunc: func(_, o any) { of.handler(o, false) },
			DeleteFunc: func(o any) { of.handler(o, true) },
		})
		if err != nil {
			return nil, err
		}
	}
	factory.StartWithContext(ctx)
	factory.WaitForCacheSync(ctx.Done())
	return c, ctx.Err()
}

// begin forgets the course of a namespace and follows it anew.
func (c *cluster) begin(namespace string, changed func(ready int)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.courses[namespace] = &course{changed: changed}
}

// course returns how the counts of a namespace moved since it began.
func (c *cluster) course(namespace string) (spec, ready simtoreal.Steps) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.courses[namespace]
	return append(simtoreal.Steps(nil), of.spec...), append(simtoreal.Steps(nil), of.ready...)
}

func (c *cluster) noteDeployment(o any, gone bool) {
	d, ok := o.(*appsv1.Deployment)
	if !ok || gone {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if of := c.courses[d.Namespace]; of != nil {
		of.spec = of.spec.Add(time.Now(), int(*d.Spec.Replicas))
	}
}

func (c *cluster) notePod(o any, gone bool) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready[pod.Namespace] == nil {
		c.ready[pod.Namespace] = map[string]bool{}
	}
	ready := c.ready[pod.Namespace]
	_, serves := readySince(pod)
	if serves && !gone && pod.DeletionTimestamp == nil {
		ready[pod.Name] = true
	} else {
		delete(ready, pod.Name)
	}
	if of := c.courses[pod.Namespace]; of != nil {
		of.ready = of.ready.Add(time.Now(), len(ready))
		if of.changed != nil {
			of.changed(len(ready))
		}
	}
}

// readySince returns since when a running pod is ready.
func readySince(pod *corev1.Pod) (metav1.Time, bool) {
	return since(pod, corev1.PodReady, pod.Status.Phase == corev1.PodRunning)
}

func since(pod *corev1.Pod, condition corev1.PodConditionType, may bool) (metav1.Time, bool) {
	for _, c := range pod.Status.Conditions {
		if c.Type == condition && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime, may
		}
	}
	return metav1.Time{}, false
}

// Describe implements prometheus.Collector. Series come and go with objects, so
// none is described.
func (c *cluster) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *cluster) Collect(ch chan<- prometheus.Metric) {
	gauge := func(name, help, label string, value float64, namespace, object string) {
		desc := prometheus.NewDesc(name, help, []string{"namespace", label}, nil)
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, namespace, object)
	}
	deployments, _ := c.deployments.List(labels.Everything())
	for _, d := range deployments {
		gauge("kube_deployment_spec_replicas", "Number of desired pods for a deployment.", "deployment", float64(*d.Spec.Replicas), d.Namespace, d.Name)
		gauge("kube_deployment_status_replicas", "The number of replicas per deployment.", "deployment", float64(d.Status.Replicas), d.Namespace, d.Name)
		gauge("kube_deployment_status_replicas_ready", "The number of ready replicas per deployment.", "deployment", float64(d.Status.ReadyReplicas), d.Namespace, d.Name)
	}
	pods, _ := c.pods.List(labels.Everything())
	for _, pod := range pods {
		gauge("kube_pod_created", "Unix creation timestamp", "pod", float64(pod.CreationTimestamp.Unix()), pod.Namespace, pod.Name)
		if at, is := since(pod, corev1.PodScheduled, true); is {
			gauge("kube_pod_status_scheduled_time", "Unix timestamp when pod moved into scheduled status", "pod", float64(at.Unix()), pod.Namespace, pod.Name)
		}
		if at, is := readySince(pod); is {
			gauge("kube_pod_status_ready_time", "Readiness achieved time in unix timestamp for a pod.", "pod", float64(at.Unix()), pod.Namespace, pod.Name)
		}
	}
}
