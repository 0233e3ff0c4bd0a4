package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is autoscaling.karpenter.sh/v1alpha1.
var GroupVersion = schema.GroupVersion{Group: "autoscaling.karpenter.sh", Version: "v1alpha1"}

var schemeBuilder = runtime.NewSchemeBuilder(func(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&HorizontalAutoscaler{}, &HorizontalAutoscalerList{},
		&MetricsProducer{}, &MetricsProducerList{},
		&ScalableNodeGroup{}, &ScalableNodeGroupList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
})

// AddToScheme registers the three kinds and their lists.
var AddToScheme = schemeBuilder.AddToScheme
