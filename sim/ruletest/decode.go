package ruletest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/karpenter-sim/karpenter/engine/suggest"
)

const nullTag = "!!null"

// resolved is the node that an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// field finds a key of a mapping; nil if there is none.
func field(n *yaml.Node, key string) *yaml.Node {
	if n = resolved(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return resolved(n.Content[i+1])
		}
	}
	return nil
}

// fields are the values of a mapping's keys, those of merge keys included; what is null
// is left out. Unknown keys and keys that are there twice are mistakes.
func (l *loader) fields(n *yaml.Node, at string, known []string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	l.merge(found, n, at, known, 0)
	return found
}

// mergesMost bounds how deep merge keys may lead.
const mergesMost = 16

func (l *loader) merge(found map[string]*yaml.Node, n *yaml.Node, at string, known []string, depth int) {
	n = resolved(n)
	switch {
	case n.ShortTag() == nullTag:
		return
	case n.Kind != yaml.MappingNode || depth > mergesMost:
		l.fail(n, at, "not a mapping; want %s", strings.Join(known, ", "))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		switch {
		case key.Tag == "!!merge":
			continue
		case known != nil && !slices.Contains(known, key.Value):
			cure := "allowed are " + strings.Join(known, ", ")
			if near := suggest.Closest(key.Value, known); near != "" {
				cure = fmt.Sprintf("did you mean %q?", near)
			}
			l.fail(key, at, "unknown field %q; %s", key.Value, cure)
		case seen[key.Value]:
			l.fail(key, at, "the field %q is there twice", key.Value)
		case found[key.Value] == nil && value.ShortTag() != nullTag:
			found[key.Value] = value
		}
		seen[key.Value] = true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		if from := resolved(n.Content[i+1]); from.Kind == yaml.SequenceNode {
			for _, each := range from.Content {
				l.merge(found, each, at, known, depth+1)
			}
		} else {
			l.merge(found, from, at, known, depth+1)
		}
	}
}

// list is the items of a list; none if it is absent.
func (l *loader) list(n *yaml.Node, at string) []*yaml.Node {
	if n = resolved(n); n == nil || n.ShortTag() == nullTag {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		l.fail(n, at, "not a list")
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		out[i] = resolved(n.Content[i])
	}
	return out
}

// text is a scalar as it is written: values: 1 and values: "1" are the same.
func (l *loader) text(n *yaml.Node, at string) string {
	switch n = resolved(n); {
	case n == nil || n.ShortTag() == nullTag:
		return ""
	case n.Kind != yaml.ScalarNode:
		l.fail(n, at, "not a text")
		return ""
	}
	return n.Value
}

// texts is a mapping from names to texts.
func (l *loader) texts(n *yaml.Node, at string) map[string]string {
	out := map[string]string{}
	for name, value := range l.fields(n, at, nil) {
		out[name] = l.text(value, at+"."+name)
	}
	return out
}

// decode reads a scalar of a type.
func (l *loader) decode(n *yaml.Node, at string, into any, want string) bool {
	if err := n.Decode(into); err != nil {
		l.fail(n, at, "%q: want %s", n.Value, want)
		return false
	}
	return true
}

// duration reads a duration as Prometheus writes it.
func (l *loader) duration(n *yaml.Node, at string) (time.Duration, bool) {
	text := l.text(n, at)
	d, err := model.ParseDuration(text)
	if err != nil && text != "" {
		l.fail(n, at, "%q is no duration; want one such as 90s, 5m or 1h30m", text)
		return 0, false
	}
	return time.Duration(d), true
}
