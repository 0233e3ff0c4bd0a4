package fake

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// ReadRules reads a file of rules: Prometheus' own, or a PrometheusRule of its
// operator, of which it returns spec.groups at the lines and columns of the file.
func ReadRules(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit.RuleFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > limit.RuleFile {
		return nil, fmt.Errorf("%s: larger than %d MiB, too large for rules", path, limit.RuleFile>>20)
	}
	return ruleGroups(text), nil
}

// ruleGroups is the text itself unless it is a PrometheusRule.
func ruleGroups(text []byte) []byte {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil || len(document.Content) != 1 {
		return text // Prometheus' own parser says what is wrong
	}
	root := document.Content[0]
	_, kind := entry(root, "kind")
	_, spec := entry(root, "spec")
	if kind == nil || kind.Value != "PrometheusRule" || spec == nil {
		return text
	}
	key, groups := entry(spec, "groups")
	if key == nil {
		return text
	}
	if root.Style&yaml.FlowStyle != 0 || spec.Style&yaml.FlowStyle != 0 || len(spec.Content) != 2 {
		out, err := yaml.Marshal(map[string]*yaml.Node{"groups": groups})
		if err != nil {
			return text
		}
		return out
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	end := len(lines)
	for i := 0; i < len(root.Content); i += 2 {
		if line := root.Content[i].Line; line > key.Line {
			end = min(end, line-1)
		}
	}
	out := []byte(strings.Repeat("\n", key.Line-1))
	return append(out, bytes.Join(lines[key.Line-1:end], nil)...)
}

// entry finds a key of a mapping.
func entry(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}
