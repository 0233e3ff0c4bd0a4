package manifest

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// indexMost bounds list indexes before anything is looked up.
const indexMost = 65536

// An assignment is one PATH=VALUE. Its value is nil for null, which deletes.
type assignment struct {
	// text is the assignment as written.
	text  string
	steps []assignStep
	value *yaml.Node
}

// An assignStep is a key of a mapping, or an index of a list where key is empty.
type assignStep struct {
	key   string
	index int
	// path is the field's path up to and including this step.
	path string
}

// parseIndex reads a list index.
func parseIndex(s string) (int, error) {
	i, err := strconv.ParseUint(s, 10, 31)
	if err != nil || i > indexMost {
		return 0, fmt.Errorf("%q is no list index; want a number from 0 to %d", s, indexMost)
	}
	return int(i), nil
}

// parseAssignments reads PATH=VALUE[,PATH=VALUE]: in the path, dots separate
// keys, [i] is an element of a list and a backslash takes a dot, bracket, comma
// or equals sign literally. A value is a boolean, a whole number, null, a list
// {a,b} or a string; in quotes it is a string whatever it contains; elsewhere
// a backslash takes a comma (or the backslash) literally.
func parseAssignments(s string) ([]assignment, error) {
	if len(s) > limit.Assignment {
		return nil, fmt.Errorf("longer than %d bytes; put it into a file of manifests", limit.Assignment)
	}
	p := &assignParser{text: s}
	var list []assignment
	for {
		start := p.at
		steps, err := p.path()
		if err != nil && start > 0 {
			return nil, fmt.Errorf("%w; a comma inside a value needs a backslash or quotes", err)
		}
		if err != nil {
			return nil, err
		}
		value, err := p.value()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", steps[len(steps)-1].path, err)
		}
		list = append(list, assignment{text: s[start:p.at], steps: steps, value: value})
		if p.end() {
			return list, nil
		}
		p.at++ // the comma
		if p.end() {
			return nil, fmt.Errorf("nothing after the last comma; want PATH=VALUE")
		}
	}
}

type assignParser struct {
	text string
	at   int
}

func (p *assignParser) end() bool { return p.at >= len(p.text) }

// path reads up to and including the equals sign.
func (p *assignParser) path() ([]assignStep, error) {
	var steps []assignStep
	path := ""
	for {
		if len(steps) > limit.AssignmentDepth {
			return nil, fmt.Errorf("%s: a path of more than %d steps", shorten(steps[0].path), limit.AssignmentDepth)
		}
		key := p.run(".[=,")
		if key == "" && (p.at == 0 || p.text[p.at-1] != ']') {
			return nil, fmt.Errorf("empty name in the path; want PATH=VALUE such as spec.maxReplicas=20")
		}
		if len(key) > limit.AssignmentName {
			return nil, fmt.Errorf("%s: a name of more than %d bytes", shorten(key), limit.AssignmentName)
		}
		if key != "" {
			path = join(path, key)
			steps = append(steps, assignStep{key: key, path: path})
		}
		for !p.end() && p.text[p.at] == '[' && len(steps) <= limit.AssignmentDepth {
			closing := strings.IndexByte(p.text[p.at:], ']')
			if closing < 0 {
				return nil, fmt.Errorf("%s: bracket [ without ]", path)
			}
			index, err := parseIndex(p.text[p.at+1 : p.at+closing])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			p.at += closing + 1
			path = fmt.Sprintf("%s[%d]", path, index)
			steps = append(steps, assignStep{index: index, path: path})
		}
		switch {
		case len(steps) > limit.AssignmentDepth: // said above
		case p.end() || p.text[p.at] == ',':
			return nil, fmt.Errorf("%s: no value; want PATH=VALUE", path)
		case p.text[p.at] == '=':
			p.at++
			return steps, nil
		case p.text[p.at] == '.':
			p.at++
			if !p.end() && p.text[p.at] == '=' {
				return nil, fmt.Errorf("%s: the path ends in a dot", path)
			}
		default:
			return nil, fmt.Errorf("%s: want . or = after ]", path)
		}
	}
}

// run reads up to one of the stop characters; a backslash makes the next
// character an ordinary one if it is a stop character or a backslash.
func (p *assignParser) run(stops string) string {
	var b strings.Builder
	for ; !p.end(); p.at++ {
		c := p.text[p.at]
		if c == '\\' && p.at+1 < len(p.text) && strings.IndexByte(stops+`\]`, p.text[p.at+1]) >= 0 {
			p.at++
			b.WriteByte(p.text[p.at])
			continue
		}
		if strings.IndexByte(stops, c) >= 0 {
			break
		}
		b.WriteByte(c)
	}
	return b.String()
}

// value reads up to the next comma outside quotes and braces.
func (p *assignParser) value() (*yaml.Node, error) {
	if !p.end() && p.text[p.at] == '{' {
		return p.list()
	}
	return p.scalar(",")
}

func (p *assignParser) list() (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: seqTag}
	p.at++
	if !p.end() && p.text[p.at] == '}' {
		p.at++
		return n, p.expectComma()
	}
	for {
		item, err := p.scalar(",}")
		if err != nil {
			return nil, err
		}
		if p.end() {
			return nil, fmt.Errorf("list { without }; quote a value that starts with a brace")
		}
		if item == nil {
			item = null(n)
		}
		n.Content = append(n.Content, item)
		p.at++
		if p.text[p.at-1] == '}' {
			return n, p.expectComma()
		}
	}
}

func (p *assignParser) expectComma() error {
	if !p.end() && p.text[p.at] != ',' {
		return fmt.Errorf("text after the end of the value: %s", shorten(p.text[p.at:]))
	}
	return nil
}

// scalar is nil for null.
func (p *assignParser) scalar(stops string) (*yaml.Node, error) {
	if !p.end() && (p.text[p.at] == '"' || p.text[p.at] == '\'') {
		return p.quoted(stops)
	}
	s := p.run(stops)
	n := stringNode(s)
	switch s {
	case "null":
		return nil, nil
	case "true", "false":
		n.Tag = boolTag
	}
	// Only the plain decimal form: 007 and 1e3 stay strings, as in helm.
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && strconv.FormatInt(i, 10) == s {
		n.Tag = intTag
	}
	return n, nil
}

// quoted reads a string in quotes; a backslash takes the quote itself or a
// backslash literally.
func (p *assignParser) quoted(stops string) (*yaml.Node, error) {
	quote := p.text[p.at]
	p.at++
	var b strings.Builder
	for ; !p.end() && p.text[p.at] != quote; p.at++ {
		if p.text[p.at] == '\\' && p.at+1 < len(p.text) && (p.text[p.at+1] == quote || p.text[p.at+1] == '\\') {
			p.at++
		}
		b.WriteByte(p.text[p.at])
	}
	if p.end() {
		return nil, fmt.Errorf("quote %c is not closed", quote)
	}
	p.at++
	if !p.end() && strings.IndexByte(stops, p.text[p.at]) < 0 {
		return nil, fmt.Errorf("text after the closing quote: %s", shorten(p.text[p.at:]))
	}
	return stringNode(b.String()), nil
}
