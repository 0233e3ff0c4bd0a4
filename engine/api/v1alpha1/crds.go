package v1alpha1

import (
	"embed"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

//go:embed crds/*.yaml
var crds embed.FS

// CRDs returns the CustomResourceDefinitions of the three kinds in the order of
// their names. They need Kubernetes 1.29 or newer, whose CEL knows quantities
// and formatted messages. An error means that the program was built wrongly.
func CRDs() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	entries, err := crds.ReadDir("crds")
	if err != nil {
		return nil, fmt.Errorf("embedded CRDs: %w", err)
	}
	definitions := make([]*apiextensionsv1.CustomResourceDefinition, 0, len(entries))
	for _, entry := range entries {
		content, err := crds.ReadFile("crds/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("embedded CRD %s: %w", entry.Name(), err)
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(content, definition); err != nil {
			return nil, fmt.Errorf("embedded CRD %s: %w", entry.Name(), err)
		}
		definitions = append(definitions, definition)
	}
	return definitions, nil
}
