package manifest

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// The tags of scalars after expansion.
const (
	nullTag   = "!!null"
	boolTag   = "!!bool"
	intTag    = "!!int"
	floatTag  = "!!float"
	stringTag = "!!str"
	seqTag    = "!!seq"
	mapTag    = "!!map"
)

// booleans are the words that kubectl's YAML 1.1 reader takes for true and
// false besides those that the node parser knows.
var booleans = map[string]bool{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
}

// scalar resolves a scalar as kubectl does: its tag becomes one of the tags
// above, its value JSON's literal, or the text of a string.
func scalar(n *yaml.Node) (*yaml.Node, error) {
	out := &yaml.Node{Kind: yaml.ScalarNode, Line: n.Line, Column: n.Column}
	plain := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	word, isWord := booleans[n.Value]
	switch tag := n.ShortTag(); {
	case isWord && (tag == boolTag || plain && n.Style&yaml.TaggedStyle == 0):
		out.Tag, out.Value = boolTag, strconv.FormatBool(word)
	case tag == stringTag, tag == "!!timestamp", tag == "!!merge", tag == "!":
		out.Tag, out.Value = stringTag, n.Value
	case tag == nullTag:
		out.Tag, out.Value = nullTag, "null"
	case tag == boolTag, tag == intTag, tag == floatTag:
		var err error
		if out.Tag, out.Value, err = literal(n); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("tag %s is not supported; write the value without it", n.Tag)
	}
	return out, nil
}

// literal writes a boolean or a number as JSON does. Text that is JSON already
// is kept, so that no digit of a quantity is lost.
func literal(n *yaml.Node) (tag, text string, err error) {
	tag = n.ShortTag()
	if tag != boolTag && isNumber(n.Value) {
		return tag, n.Value, nil
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return "", "", fmt.Errorf("%s is no %s", shorten(n.Value), describeTag(tag))
	}
	switch v := v.(type) {
	case bool:
		return boolTag, strconv.FormatBool(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", "", fmt.Errorf("%s is no number that JSON can carry", n.Value)
		}
		return floatTag, strconv.FormatFloat(v, 'g', -1, 64), nil
	case int, int64, uint64:
		return intTag, fmt.Sprint(v), nil
	}
	return "", "", fmt.Errorf("%s is no %s", shorten(n.Value), describeTag(tag))
}

// isNumber tells whether text is a number as JSON writes it.
func isNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s))
}

// describe names a node's type and value for an error message.
func describe(n *yaml.Node) string {
	switch n.Tag {
	case boolTag, intTag, floatTag:
		return "the " + describeTag(n.Tag) + " " + n.Value
	case stringTag:
		return "the string " + shorten(n.Value)
	}
	return describeTag(n.Tag)
}

func describeTag(tag string) string {
	switch tag {
	case nullTag:
		return "null"
	case boolTag:
		return "boolean"
	case intTag, floatTag:
		return "number"
	case stringTag:
		return "string"
	case seqTag:
		return "a list"
	case mapTag:
		return "a mapping"
	}
	return tag
}

// shorten quotes text that may be of any length.
func shorten(s string) string {
	const most = 60
	runes := []rune(s)
	if len(runes) > most {
		return strconv.Quote(string(runes[:most])) + "..."
	}
	return strconv.Quote(s)
}
