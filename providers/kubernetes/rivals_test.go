package kubernetes_test

import (
	"context"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
)

func TestRivals(t *testing.T) {
	s := connect(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	caches, err := cache.New(s.config, cache.Options{Scheme: s.scheme, Mapper: s.client.RESTMapper()})
	s.check(err)
	clock := clocktesting.NewFakePassiveClock(time.Unix(1767600000, 0))
	rivals, err := kubernetes.NewRivals(ctx, caches, s.client.RESTMapper(), clock)
	s.check(err)
	go func() { _ = caches.Start(ctx) }()
	if !caches.WaitForCacheSync(ctx) {
		t.Fatal("the caches were not filled")
	}
	web := cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: s.namespace, Name: "web"}
	becomes := func(reason string, target cycle.TargetRef, self, want string) {
		t.Helper()
		s.eventually(reason, func() bool {
			clock.SetTime(clock.Now().Add(time.Minute))
			return cycle.Rival(rivals.Owners(target.Key()), self) == want
		})
	}

	s.create(s.autoscaler("one", "web"))
	s.create(s.autoscaler("other", "api"))
	becomes("alone", web, "one", "")
	becomes("seen by another", web, "two", "HorizontalAutoscaler one")
	becomes("in another version of the same kind", cycle.TargetRef{APIVersion: "apps/v1beta1", Kind: "Deployment", Namespace: s.namespace, Name: "web"}, "two", "HorizontalAutoscaler one")
	becomes("by its kind in lower case", cycle.TargetRef{APIVersion: "apps/v1", Kind: "deployment", Namespace: s.namespace, Name: "web"}, "two", "HorizontalAutoscaler one")
	becomes("in another namespace", cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}, "two", "")
	becomes("of another kind", cycle.TargetRef{APIVersion: "apps/v1", Kind: "StatefulSet", Namespace: s.namespace, Name: "web"}, "two", "")

	dry := s.autoscaler("dry", "web")
	dry.Spec.DryRun = true
	s.create(dry)
	becomes("one in dry run has no rival", web, "dry", "")
	becomes("and is none", web, "one", "")

	min := int32(1)
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: s.meta("hpa"), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}, MinReplicas: &min, MaxReplicas: 3,
	}}
	s.create(hpa)
	becomes("an HPA", web, "one", "HorizontalPodAutoscaler hpa")
	becomes("an HPA beside a dry run", web, "dry", "")

	// KEDA comes later than we did.
	crds, err := envtest.InstallCRDs(s.config, envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{scaledObjects()}})
	s.check(err)
	defer func() { s.check(envtest.UninstallCRDs(s.config, envtest.CRDInstallOptions{CRDs: crds})) }()
	scaled := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
		"metadata": map[string]any{"namespace": s.namespace, "name": "scaled"},
		"spec":     map[string]any{"scaleTargetRef": map[string]any{"name": "web"}},
	}}
	s.create(scaled)
	becomes("a ScaledObject, which has an HPA", web, "one", "ScaledObject scaled")
	s.check(s.client.Delete(ctx, scaled))
	s.check(s.client.Delete(ctx, hpa))
	becomes("alone again", web, "one", "")
	s.create(s.autoscaler("another", "web"))
	becomes("a second autoscaler", web, "one", "HorizontalAutoscaler another")
	becomes("the other way round", web, "another", "HorizontalAutoscaler one")
	s.check(s.client.DeleteAllOf(ctx, s.autoscaler("", ""), client.InNamespace(s.namespace)))
}

// scaledObjects is as much of KEDA's CRD as matters here.
func scaledObjects() *apiextensionsv1.CustomResourceDefinition {
	keep := true
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "scaledobjects.keda.sh"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "keda.sh", Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: "ScaledObject", ListKind: "ScaledObjectList", Plural: "scaledobjects", Singular: "scaledobject"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1alpha1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &keep}},
			}},
		},
	}
}
