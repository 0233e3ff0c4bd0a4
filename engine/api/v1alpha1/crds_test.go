package v1alpha1

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// accept runs an API server's validation of a new CRD, which checks that the
// schema is structural and that the CEL rules compile and keep to the cost budget.
func accept(t *testing.T, definition *apiextensionsv1.CustomResourceDefinition) field.ErrorList {
	t.Helper()
	definition = definition.DeepCopy()
	apiextensionsv1.SetDefaults_CustomResourceDefinition(definition)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&definition.Spec)
	var internal apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(definition, &internal, nil); err != nil {
		t.Fatal(err)
	}
	internal.Status.StoredVersions = []string{GroupVersion.Version}
	return validation.ValidateCustomResourceDefinition(context.Background(), &internal)
}

func TestAPIServerAcceptsCRDs(t *testing.T) {
	tests := map[string]struct {
		reason string
		mutate func(*apiextensionsv1.JSONSchemaProps)
	}{
		"AsGenerated": {
			reason: "the CRDs must be structural and within the CEL budget",
			mutate: func(*apiextensionsv1.JSONSchemaProps) {},
		},
		"OlderCostEstimate": {
			reason: "older API servers ignore the maximal length of a quantity and estimate with the largest request",
			mutate: func(s *apiextensionsv1.JSONSchemaProps) {
				if s.XIntOrString {
					s.MaxLength = nil
				}
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for _, definition := range definitions(t) {
				walk(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, tc.mutate)
				for _, err := range accept(t, definition) {
					t.Errorf("%s\n%s: %v", tc.reason, definition.Name, err)
				}
			}
		})
	}
}

func TestCRDsHaveNoDefaults(t *testing.T) {
	for _, definition := range definitions(t) {
		walk(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, func(s *apiextensionsv1.JSONSchemaProps) {
			if s.Default != nil {
				t.Errorf("%s: a schema has the default %s; defaults live in engine/policy only, because simulated objects pass no API server", definition.Name, s.Default.Raw)
			}
		})
		content, err := crds.ReadFile("crds/" + GroupVersion.Group + "_" + definition.Spec.Names.Plural + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "default:") {
			t.Errorf("%s: the file contains %q", definition.Name, "default:")
		}
	}
}

func definitions(t *testing.T) []*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	definitions, err := CRDs()
	if err != nil {
		t.Fatal(err)
	}
	if len(definitions) != 3 {
		t.Fatalf("got %d CRDs, want one for each of the 3 kinds", len(definitions))
	}
	return definitions
}

// walk calls visit for schema and every schema below it.
func walk(schema *apiextensionsv1.JSONSchemaProps, visit func(*apiextensionsv1.JSONSchemaProps)) {
	if schema == nil {
		return
	}
	visit(schema)
	for name, property := range schema.Properties {
		walk(&property, visit)
		schema.Properties[name] = property
	}
	if schema.Items != nil {
		walk(schema.Items.Schema, visit)
	}
	if schema.AdditionalProperties != nil {
		walk(schema.AdditionalProperties.Schema, visit)
	}
}
