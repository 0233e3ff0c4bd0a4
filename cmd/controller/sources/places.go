package sources

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/suggest"
)

// What the YAML parser says: a place, then what is wrong there, with values that may
// be secrets and the names of Go types.
var (
	atLine       = regexp.MustCompile(`line (\d+): `)
	shell        = regexp.MustCompile(`^yaml: (unmarshal errors:\s*)?`)
	valued       = regexp.MustCompile("(?s) `.*?`")
	unknownField = regexp.MustCompile(`^field (.+) not found in type (\S+)$`)
	again        = regexp.MustCompile(`^mapping key "(.+)" already defined at line (\d+)$`)
	typed        = regexp.MustCompile(`^cannot unmarshal (!!\w+)\s*into (\S+)$`)
)

// placed puts an error of the YAML parser into our form, FILE:LINE: FIELD: what is
// wrong, without values and the names of Go types.
func placed(path string, content []byte, err error) error {
	text := err.Error()
	var list *yaml.TypeError
	if errors.As(err, &list) && len(list.Errors) > 0 {
		text = list.Errors[0]
	}
	text = shell.ReplaceAllString(text, "")
	at := atLine.FindStringSubmatch(text)
	text = strings.Join(strings.Fields(valued.ReplaceAllString(atLine.ReplaceAllString(text, ""), "")), " ")
	if at == nil {
		return unplaced(path, content, text)
	}
	line, _ := strconv.Atoi(at[1])
	var document yaml.Node
	_ = yaml.Unmarshal(content, &document) // as far as it goes
	switch {
	case unknownField.MatchString(text):
		found := unknownField.FindStringSubmatch(text)
		field := pathOf(&document, "", func(key, _ *yaml.Node) bool { return key != nil && key.Line == line && key.Value == found[1] })
		return fmt.Errorf("%s:%d: %s: unknown field%s", path, line, orElse(field, escape.Excerpt(found[1])), allowed(found[2], found[1]))
	case again.MatchString(text):
		found := again.FindStringSubmatch(text)
		return fmt.Errorf("%s:%d: %s: set at line %s already", path, line, escape.Excerpt(found[1]), found[2])
	case typed.MatchString(text):
		found := typed.FindStringSubmatch(text)
		field := pathOf(&document, "", func(_, value *yaml.Node) bool { return value.Line == line && value.ShortTag() == found[1] })
		return fmt.Errorf("%s:%d: %s: %s stands there, and %s is wanted", path, line, orElse(field, "file"), tagged(found[1]), wanted(found[2]))
	}
	return fmt.Errorf("%s:%d: %s", path, line, escape.Excerpt(text))
}

// unplaced places an error that has no line: bytes that are no text, and what
// promtool's part refuses, which is the first source's whose http alone is refused.
func unplaced(path string, content []byte, text string) error {
	for i, line := range bytes.Split(content, []byte("\n")) {
		if !utf8.Valid(line) {
			return fmt.Errorf("%s:%d: no UTF-8", path, i+1)
		}
	}
	for i, s := range linesOf(content) {
		if node := s["http"]; node != nil && node.value.Decode(&config.HTTPClientConfig{}) != nil {
			return fmt.Errorf("%s:%d: sources[%d].http: %s", path, node.key.Line, i, escape.Excerpt(text))
		}
	}
	return fmt.Errorf("%s:1: %s", path, escape.Excerpt(text))
}

// pathOf is the path of the first field that is the one looked for, in the order of
// the file; empty if there is none. Elements of lists, and the whole, have no key.
func pathOf(n *yaml.Node, path string, is func(key, value *yaml.Node) bool) string {
	for k, value := range n.Content {
		var key *yaml.Node
		next := path
		switch {
		case n.Kind == yaml.MappingNode && k%2 == 0:
			continue // its value is next
		case n.Kind == yaml.MappingNode:
			key = n.Content[k-1]
			next = strings.TrimPrefix(path+"."+key.Value, ".")
		case n.Kind == yaml.SequenceNode:
			next = fmt.Sprintf("%s[%d]", path, k)
		}
		if is(key, value) && next != "" {
			return escape.Excerpt(next)
		}
		if found := pathOf(value, next, is); found != "" {
			return found
		}
	}
	return ""
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// types has the types whose fields are ours.
var types = []reflect.Type{reflect.TypeFor[File](), reflect.TypeFor[Source](), reflect.TypeFor[SigV4]()}

// allowed says what stands in a type, as the end of a sentence on a field that does not.
func allowed(typeName, field string) string {
	for _, t := range types {
		if t.String() != typeName {
			continue
		}
		var names []string
		for i := range t.NumField() {
			names = append(names, t.Field(i).Tag.Get("yaml"))
		}
		if meant := suggest.Closest(field, names); meant != "" {
			return fmt.Sprintf("; did you mean %s?", meant)
		}
		return "; want " + strings.Join(names, ", ")
	}
	return "; what stands there is promtool's --http.config.file"
}

// tagged is a YAML tag in words.
func tagged(tag string) string {
	switch tag {
	case "!!map":
		return "a map"
	case "!!seq":
		return "a list"
	case "!!null":
		return "nothing"
	}
	return "a single value"
}

// wanted is a Go type in words.
func wanted(typeName string) string {
	switch {
	case strings.HasPrefix(typeName, "[]"):
		return "a list"
	case strings.HasPrefix(typeName, "map["), strings.Contains(typeName, "."):
		return "a map"
	case typeName == "bool":
		return "true or false"
	case typeName == "string":
		return "text"
	}
	return "a number"
}

// fieldNodes are the fields of a source by name; "" is the source itself.
type fieldNodes map[string]*fieldNode

type fieldNode struct{ key, value *yaml.Node }

// sourceLines has the fields of each source of a file.
type sourceLines []fieldNodes

func linesOf(content []byte) sourceLines {
	var document struct {
		Sources []yaml.Node `yaml:"sources"`
	}
	_ = yaml.Unmarshal(content, &document) // as far as it goes
	all := make(sourceLines, len(document.Sources))
	for i := range document.Sources {
		node := &document.Sources[i]
		all[i] = fieldNodes{"": {node, node}}
		for k := 0; node.Kind == yaml.MappingNode && k+1 < len(node.Content); k += 2 {
			all[i][node.Content[k].Value] = &fieldNode{node.Content[k], node.Content[k+1]}
		}
	}
	return all
}

// of is the line of a field of the i-th source, or of the source.
func (l sourceLines) of(i int, field string) int {
	if i >= len(l) {
		return 1
	}
	name, inner, _ := strings.Cut(field, ".")
	node := l[i][name]
	if node == nil {
		return l[i][""].key.Line
	}
	for k := 0; inner != "" && k+1 < len(node.value.Content); k += 2 {
		if key := node.value.Content[k]; key.Value == inner {
			return key.Line
		}
	}
	return node.key.Line
}
