// Package v1alpha1 holds the Go types of the three kinds of group
// autoscaling.karpenter.sh: HorizontalAutoscaler, MetricsProducer and
// ScalableNodeGroup. Names in JSON are those of Karpenter v0.1, so manifests
// written for it work unchanged; every addition is optional.
//
// The package is data only. Defaults and validation live in engine/policy: the
// generated CRDs (embedded as CRDs) reject what a schema can reject, but no
// value that a decision depends on is defaulted there, because the simulator
// and the journal never pass through an API server.
//
// +kubebuilder:object:generate=true
// +groupName=autoscaling.karpenter.sh
//
//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 object crd paths=. output:crd:dir=crds
package v1alpha1
