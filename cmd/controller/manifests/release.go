package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/cmd/controller/charts"
	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// namespace is the one that helm makes by itself. Its pods have to keep to the strictest
// of the pod security standards, as the controller's do.
const namespace = `apiVersion: v1
kind: Namespace
metadata:
  name: ` + charts.Name + `
  labels:
    app.kubernetes.io/name: ` + charts.Name + `
    pod-security.kubernetes.io/enforce: restricted
`

// release returns everything that one kubectl apply -f installs.
func release(version string, settings ...string) ([]byte, error) {
	values, err := charts.Values(settings...)
	if err != nil {
		return nil, err
	}
	documents, err := charts.Render(version, charts.Name, values)
	if err != nil {
		return nil, err
	}
	definitions, err := crds()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString(namespace)
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		out.WriteString("---\n")
		out.Write(definitions[name])
	}
	for _, document := range documents {
		out.WriteString("---\n")
		out.WriteString(document)
	}
	return out.Bytes(), nil
}

// crds returns the CustomResourceDefinitions by file name.
func crds() (map[string][]byte, error) {
	definitions, err := v1alpha1.CRDs()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, definition := range definitions {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(definition)
		if err != nil {
			return nil, fmt.Errorf("CRD %s: %w", definition.Name, err)
		}
		// The server's part.
		delete(object, "status")
		content, err := yaml.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("CRD %s: %w", definition.Name, err)
		}
		files[definition.Name+".yaml"] = content
	}
	return files, nil
}
