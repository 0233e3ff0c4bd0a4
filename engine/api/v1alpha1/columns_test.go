package v1alpha1

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// TestHowKubectlSeesTheKinds pins names, columns and subresources; a column
// with an asterisk is shown with -o wide only.
func TestHowKubectlSeesTheKinds(t *testing.T) {
	want := map[string]map[string][]string{
		"HorizontalAutoscaler": {
			"names":        {"horizontalautoscalers", "horizontalautoscaler", "horizontalautoscaler", "ha"},
			"columns":      {"Kind*", "Reference", "Metrics", "Min", "Max", "Replicas", "Desired", "Reason", "Dry-Run", "Ready*", "Last-Scale*", "Age"},
			"subresources": {"status"},
		},
		"MetricsProducer": {
			"names":        {"metricsproducers", "metricsproducer", "metricsproducer", "mp"},
			"columns":      {"Ready", "Reason", "Age"},
			"subresources": {"status"},
		},
		"ScalableNodeGroup": {
			"names":        {"scalablenodegroups", "scalablenodegroup", "scalablenodegroup", "sng"},
			"columns":      {"Desired", "Current", "Type", "Reason", "Ready", "Age"},
			"subresources": {"status", "scale .spec.replicas .status.replicas"},
		},
	}
	got := map[string]map[string][]string{}
	for _, definition := range definitions(t) {
		names, version := definition.Spec.Names, definition.Spec.Versions[0]
		got[names.Kind] = map[string][]string{
			"names":        append([]string{names.Plural, names.Singular}, names.ShortNames...),
			"columns":      columns(version),
			"subresources": subresources(version),
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CRDs(): -want, +got:\n%s", diff)
	}
}

func columns(version apiextensionsv1.CustomResourceDefinitionVersion) []string {
	var out []string
	for _, column := range version.AdditionalPrinterColumns {
		name := column.Name
		if column.Priority > 0 {
			name += "*"
		}
		out = append(out, name)
	}
	return out
}

func subresources(version apiextensionsv1.CustomResourceDefinitionVersion) []string {
	var out []string
	if version.Subresources.Status != nil {
		out = append(out, "status")
	}
	if scale := version.Subresources.Scale; scale != nil {
		text := fmt.Sprintf("scale %s %s", scale.SpecReplicasPath, scale.StatusReplicasPath)
		if scale.LabelSelectorPath != nil {
			text += " " + *scale.LabelSelectorPath
		}
		out = append(out, text)
	}
	return out
}
