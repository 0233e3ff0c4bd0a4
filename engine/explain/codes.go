package explain

import (
	"fmt"
	"math"
	"strconv"

	"github.com/karpenter-sim/karpenter/engine/observation"
)

// Meaning returns a code in words.
func Meaning(code observation.Code) string {
	if text := code.Meaning(); text != "" {
		return fmt.Sprintf("%s, %s", code, text)
	}
	return string(code)
}

// Figure writes a number as a reader wants it.
func Figure(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// results say what outcomes mean that are no observation codes.
var results = map[string]string{
	"Applied":    "the target has taken it",
	"Superseded": "somebody else changed the count first",
}

// Outcome returns what came of writing a decision to its target, in words.
func Outcome(result string) string {
	if text := results[result]; text != "" {
		return result + ", " + text
	}
	return Meaning(observation.Code(result))
}
