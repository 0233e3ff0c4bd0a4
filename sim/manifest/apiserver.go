package manifest

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// serverMetadata lists the fields that only the API server writes: it comes with the output
// of kubectl get and is no part of a manifest.
var serverMetadata = []string{
	"managedFields", "uid", "resourceVersion", "generation", "creationTimestamp",
	"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
}

// manifestOnly is an object without status and server metadata.
func manifestOnly(n *yaml.Node) *yaml.Node {
	out := without(n, "status")
	for i := 0; i+1 < len(out.Content); i += 2 {
		if out.Content[i].Value == "metadata" && out.Content[i+1].Kind == yaml.MappingNode {
			out.Content[i+1] = without(out.Content[i+1], serverMetadata...)
		}
	}
	return out
}

// typed gives an item of a list the apiVersion and kind that the list gave it.
func typed(n *yaml.Node, d *Document) *yaml.Node {
	for _, f := range []struct{ key, value string }{{"apiVersion", d.APIVersion}, {"kind", d.Kind}} {
		if _, v := child(n, step{text: f.key}); v == nil {
			n.Content = append(n.Content, stringNode(f.key), stringNode(f.value))
		}
	}
	return n
}

func without(n *yaml.Node, keys ...string) *yaml.Node {
	out := *n
	out.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains(keys, n.Content[i].Value) {
			out.Content = append(out.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &out
}

func stringNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: stringTag, Value: s}
}
