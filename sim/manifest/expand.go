package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

const (
	// depthMost bounds nesting: no API type needs a fraction of it, and every
	// later step may then recurse.
	depthMost = 200
	// aliasedMost bounds the nodes that aliases add to one document, against
	// documents that grow exponentially.
	aliasedMost = 100_000
)

// An expander copies a parsed tree into one without aliases, merge keys and
// non-string keys, and collects what is wrong on the way.
type expander struct {
	file    string
	errs    Errors
	aliased int
	// in are the aliases' targets that the current node lies in.
	in map[*yaml.Node]bool
	// full is set once the document is given up.
	full bool
}

// expand's tree is of use only if there are no errors.
func expand(file string, n *yaml.Node) (*yaml.Node, Errors) {
	e := &expander{file: file, in: map[*yaml.Node]bool{}}
	return e.node(n, "", 0), e.errs
}

func (e *expander) fail(n *yaml.Node, path, format string, args ...any) {
	e.errs = append(e.errs, &Error{
		Position: Position{File: e.file, Line: n.Line, Column: n.Column},
		Field:    path, Message: fmt.Sprintf(format, args...),
	})
}

func (e *expander) giveUp(n *yaml.Node, path, format string, args ...any) *yaml.Node {
	if !e.full {
		e.fail(n, path, format, args...)
	}
	e.full = true
	return null(n)
}

func null(at *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: nullTag, Value: "null", Line: at.Line, Column: at.Column}
}

func (e *expander) node(n *yaml.Node, path string, depth int) *yaml.Node {
	if e.full {
		return null(n)
	}
	if depth > depthMost {
		return e.giveUp(n, "", "nested deeper than %d levels", depthMost)
	}
	if len(e.in) > 0 {
		if e.aliased++; e.aliased > aliasedMost {
			return e.giveUp(n, "", "aliases expand to more than %d nodes", aliasedMost)
		}
	}
	switch n.Kind {
	case yaml.AliasNode:
		if e.in[n.Alias] {
			return e.giveUp(n, path, "the alias *%s contains itself", n.Value)
		}
		e.in[n.Alias] = true
		defer delete(e.in, n.Alias)
		return e.node(n.Alias, path, depth+1)
	case yaml.MappingNode:
		return e.mapping(n, path, depth)
	case yaml.SequenceNode:
		out := &yaml.Node{Kind: yaml.SequenceNode, Tag: seqTag, Line: n.Line, Column: n.Column}
		for i, item := range n.Content {
			out.Content = append(out.Content, e.node(item, fmt.Sprintf("%s[%d]", path, i), depth+1))
		}
		return out
	}
	out, err := scalar(n)
	if err != nil {
		e.fail(n, path, "%v", err)
		return null(n)
	}
	return out
}

// mapping keeps the order of keys; merged ones stand where << stood, unless
// the mapping itself says otherwise.
func (e *expander) mapping(n *yaml.Node, path string, depth int) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: mapTag, Line: n.Line, Column: n.Column}
	own := e.ownKeys(n, path)
	merged := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && !e.full; i += 2 {
		if isMerge(n.Content[i]) {
			e.merge(out, n.Content[i+1], own, merged, path, depth)
			continue
		}
		key := stringKey(n.Content[i])
		if key == nil || own[key.Value] != i {
			continue
		}
		out.Content = append(out.Content, key, e.node(n.Content[i+1], join(path, key.Value), depth+1))
	}
	return out
}

// ownKeys is where each key of a mapping is first written, << aside.
func (e *expander) ownKeys(n *yaml.Node, path string) map[string]int {
	own := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			continue
		}
		key := stringKey(n.Content[i])
		if key == nil {
			e.fail(n.Content[i], path, "a key must be a string")
			continue
		}
		if first, twice := own[key.Value]; twice {
			e.fail(key, join(path, key.Value), "key written twice; the first is at line %d", n.Content[first].Line)
			continue
		}
		own[key.Value] = i
	}
	return own
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge"
}

// stringKey is a key as a string, in kubectl's way (1 is "1"); nil if it
// cannot be one.
func stringKey(n *yaml.Node) *yaml.Node {
	at := n
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return nil
	}
	key, err := scalar(n)
	if err != nil || key.Tag == nullTag {
		return nil
	}
	key.Tag, key.Line, key.Column = stringTag, at.Line, at.Column
	return key
}

// merge appends the entries of <<'s value that neither the mapping itself nor
// an earlier merge has.
func (e *expander) merge(out, value *yaml.Node, own map[string]int, merged map[string]bool, path string, depth int) {
	source := e.node(value, path, depth+1)
	list := []*yaml.Node{source}
	if source.Kind == yaml.SequenceNode {
		list = source.Content
	}
	for _, m := range list {
		if m.Kind != yaml.MappingNode {
			if !e.full {
				e.fail(value, path, "<< wants a mapping or a list of mappings")
			}
			return
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			name := m.Content[i].Value
			if _, has := own[name]; has || merged[name] {
				continue
			}
			merged[name] = true
			out.Content = append(out.Content, m.Content[i], m.Content[i+1])
		}
	}
}

// join appends a name to a path; names that would be misread go in brackets.
func join(path, name string) string {
	if !plainName(name) {
		return path + "[" + name + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func plainName(s string) bool {
	for _, c := range s {
		if c == '.' || c == '[' || c == ']' || c == '/' || c == ' ' {
			return false
		}
	}
	return s != ""
}
