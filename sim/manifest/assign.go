package manifest

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Assign returns the object with fields changed by assignments in the syntax of
// helm's --set: PATH=VALUE[,PATH=VALUE], missing mappings are made, an index
// equal to a list's length appends, null deletes (an element of a list closes
// up). The result is decoded as strictly as a file; the entry given is left
// alone. An Entry without Doc, such as a converted object, will do.
func Assign[T any, P object[T]](e Entry[T], assignments []string) (Entry[T], error) {
	tree, err := treeOf(e)
	if err != nil {
		return Entry[T]{}, err
	}
	var errs Errors
	for _, text := range assignments {
		list, err := parseAssignments(text)
		if err != nil {
			errs = append(errs, setError(text, "", err))
			continue
		}
		for _, a := range list {
			if err := a.apply(tree, reflect.TypeFor[T]()); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if len(errs) > 0 {
		return Entry[T]{}, errs
	}
	doc := *tree.doc
	doc.Node = tree.root
	changed := P(new(T))
	if err := doc.Decode(changed); err != nil {
		return Entry[T]{}, err
	}
	original := P(e.Object)
	changed.SetNamespace(original.GetNamespace())
	return Entry[T]{Object: changed, Doc: &doc}, nil
}

// setError names the assignment in place of a file.
func setError(text, path string, err error) *Error {
	return &Error{Position: Position{File: "set " + shorten(text)}, Field: path, Message: err.Error()}
}

type assignTree struct {
	doc  *Document
	root *yaml.Node
}

// treeOf is the object as nodes: its document, unless it has none or was
// converted from a document of another kind.
func treeOf[T any](e Entry[T]) (assignTree, error) {
	if e.Doc != nil && (e.Doc.Kind == "" || e.Doc.Kind == kindOfObject[T]()) {
		return assignTree{doc: e.Doc, root: clone(e.Doc.Node)}, nil
	}
	root, err := nodeOf(e.Object)
	if err != nil {
		return assignTree{}, fmt.Errorf("encode the object to change: %w", err)
	}
	root = without(root, "status")
	return assignTree{doc: &Document{Node: root}, root: root}, nil
}

// kindOfObject is the kind of the objects of a type.
func kindOfObject[T any]() string { return reflect.TypeFor[T]().Name() }

func clone(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out.Content[i] = clone(c)
	}
	return &out
}

// fixedFields lists the fields that make an object the one it is, or that no manifest has.
var fixedFields = []string{"apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace", "status"}

func (a assignment) apply(tree assignTree, t reflect.Type) *Error {
	last := a.steps[len(a.steps)-1].path
	for _, f := range fixedFields {
		if last == f || f != "metadata" && strings.HasPrefix(last, f+".") {
			return setError(a.text, last, fmt.Errorf("%s cannot be set", f))
		}
	}
	for _, s := range a.steps {
		var err error
		if t, err = s.fieldType(t); err != nil {
			return setError(a.text, s.path, err)
		}
	}
	n := tree.root
	for i, s := range a.steps {
		final := i == len(a.steps)-1
		next, err := s.descend(n, a, i, final)
		if err != nil {
			return setError(a.text, s.path, err)
		}
		if next == nil {
			break
		}
		n = next
	}
	if n := a.value; n != nil && strings.HasPrefix(last, "metadata.") && t.Kind() == reflect.String && n.Kind == yaml.ScalarNode && n.Tag != nullTag {
		n.Tag = stringTag // as kubectl annotate and label take it
	}
	if a.value != nil {
		checked := &checker{doc: &Document{Node: tree.root}}
		checked.node(nil, a.value, t, last)
		if len(checked.errs) > 0 {
			return setError(a.text, checked.errs[0].Field, fmt.Errorf("%s", checked.errs[0].Message))
		}
	}
	return nil
}

// fieldType is the type that a step leads to from a field of type t.
func (s assignStep) fieldType(t reflect.Type) (reflect.Type, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case s.key == "" && t.Kind() == reflect.Slice && !decodesItself(t):
		return t.Elem(), nil
	case s.key == "":
		return nil, fmt.Errorf("the field is no list")
	case t.Kind() == reflect.Map:
		return t.Elem(), nil
	case t.Kind() == reflect.Slice:
		return nil, fmt.Errorf("the field is a list; want an index such as [0] before %q", s.key)
	case t.Kind() != reflect.Struct || decodesItself(t):
		return nil, fmt.Errorf("the field is no mapping, it has nothing called %q", s.key)
	}
	known := fieldsOf(t)
	if field, ok := known.types[s.key]; ok {
		return field, nil
	}
	return nil, fmt.Errorf("%s", known.unknown(s.key))
}

// descend goes one step down the tree, making what is missing; at the last
// step it writes or deletes the value. It returns nil where nothing is left to do.
func (s assignStep) descend(n *yaml.Node, a assignment, i int, final bool) (*yaml.Node, error) {
	if s.key == "" {
		return s.element(n, a, i, final)
	}
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("cannot be set inside %s", describe(n))
	}
	at := len(n.Content)
	for k := 0; k+1 < len(n.Content); k += 2 {
		if n.Content[k].Value == s.key {
			at = k
		}
	}
	present := at < len(n.Content)
	switch {
	case a.value == nil && !present:
		return nil, nil
	case a.value == nil && final:
		n.Content = append(n.Content[:at:at], n.Content[at+2:]...)
		return nil, nil
	case !present:
		n.Content = append(n.Content, stringNode(s.key), nil)
	}
	if final {
		n.Content[at+1] = a.value
		return nil, nil
	}
	if !present || n.Content[at+1].Tag == nullTag {
		n.Content[at+1] = a.container(i + 1)
	}
	return n.Content[at+1], nil
}

func (s assignStep) element(n *yaml.Node, a assignment, i int, final bool) (*yaml.Node, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("cannot be set inside %s", describe(n))
	}
	length := len(n.Content)
	if s.index > length || a.value == nil && s.index == length {
		return nil, fmt.Errorf("index %d is out of range: the list has %s", s.index, elements(length))
	}
	if a.value == nil && final {
		n.Content = append(n.Content[:s.index:s.index], n.Content[s.index+1:]...)
		return nil, nil
	}
	if s.index == length {
		n.Content = append(n.Content, nil)
	}
	if final {
		n.Content[s.index] = a.value
		return nil, nil
	}
	if s.index == length || n.Content[s.index].Tag == nullTag {
		n.Content[s.index] = a.container(i + 1)
	}
	return n.Content[s.index], nil
}

// container is an empty list or mapping, as step i needs.
func (a assignment) container(i int) *yaml.Node {
	if a.steps[i].key == "" {
		return &yaml.Node{Kind: yaml.SequenceNode, Tag: seqTag}
	}
	return &yaml.Node{Kind: yaml.MappingNode, Tag: mapTag}
}

func elements(n int) string {
	switch n {
	case 0:
		return "no elements"
	case 1:
		return "1 element"
	}
	return fmt.Sprintf("%d elements", n)
}
