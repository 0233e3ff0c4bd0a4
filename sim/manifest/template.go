package manifest

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	// helmAction is an action of a template where YAML has none: as a line or a value
	// of its own, or with the words that only templates of manifests have.
	helmAction = regexp.MustCompile(`(?m)^[ \t]*(?:- )*(?:[\w./-]+:[ \t]+)?(\{\{-?)|\{\{-?[ \t]*(?:\.Values|\.Release|\.Chart|\$?\.|include|tpl|template|toYaml|default|quote)\b|\{%-?[ \t]`)
	// action is an action of a template within a value.
	action = regexp.MustCompile(`\{\{.*\}\}|\{%.*%\}`)
)

// renderKustomization says what to do with a Kustomization.
const renderKustomization = "render it first, e.g. kubectl kustomize DIR | karpenter ... -f -"

// isKustomization says whether a file is called as Kustomize wants it.
func isKustomization(file string) bool {
	base := strings.ToLower(filepath.Base(file))
	return strings.TrimSuffix(base, filepath.Ext(base)) == "kustomization"
}

// templateError says of a place that it is a template, and how to render it.
func templateError(file string, at Position) *Error {
	chart := "CHART"
	if dir, name, ok := strings.Cut("/"+filepath.ToSlash(file), "/templates/"); ok && name != "" {
		chart = cmp.Or(strings.TrimPrefix(dir, "/"), ".")
	}
	return &Error{Position: at, Message: "a template that is not rendered yet; render it first, e.g. helm template RELEASE " + chart + " | karpenter ... -f -"}
}

// unsubstituted is the cure of a value with a variable of a shell, behind a semicolon;
// empty for others.
func unsubstituted(value string) string {
	if strings.Contains(value, "${") {
		return "; substitute its variables first, e.g. envsubst < FILE | karpenter ... -f -"
	}
	return ""
}

// isTemplate says whether a document that is no object has a template's values.
func isTemplate(d *Document) bool {
	return slices.ContainsFunc([]string{"apiVersion", "kind"}, func(key string) bool {
		v := value(d.Node, key)
		return v != nil && (braces(v) || action.MatchString(v.Value))
	})
}

// templatePlace is the first value of an object that is an action of a template,
// annotations aside, which may have those of others; nil without one.
func templatePlace(n *yaml.Node) *yaml.Node { return templateIn(n, 0) }

func templateIn(n *yaml.Node, depth int) *yaml.Node {
	switch {
	case depth > depthMost || n.Kind == yaml.AliasNode:
		return nil
	case braces(n), n.Kind == yaml.ScalarNode && action.MatchString(n.Value):
		return n
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "annotations" {
			continue
		}
		if found := templateIn(child, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// braces says whether a node is what the parser makes of {{ ... }}: a mapping whose
// only key is a mapping.
func braces(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && len(n.Content) == 2 && n.Content[0].Kind == yaml.MappingNode
}

// anchorKeys are the keys of an object beside its own that hold an anchor for the rest
// of the file, or begin as Compose's do.
func anchorKeys(n *yaml.Node) []string {
	var keys []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch key := n.Content[i].Value; key {
		case "apiVersion", "kind", "metadata", "spec", "status":
		default:
			if strings.HasPrefix(key, "x-") || hasAnchor(n.Content[i+1], 0) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

func hasAnchor(n *yaml.Node, depth int) bool {
	if n.Anchor != "" {
		return true
	}
	return depth < depthMost && n.Kind != yaml.AliasNode && slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return hasAnchor(c, depth+1) })
}
