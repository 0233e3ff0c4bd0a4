package explain

import (
	"fmt"
	"math"
	"strconv"

	"github.com/karpenter-sim/karpenter/engine/observation"
)

// meanings say what a code means, after the code itself.
var meanings = map[observation.Code]string{
	observation.Empty:        "no sample; nothing matched, or the series went stale",
	observation.ManySeries:   "more than one sample; aggregate in the query, e.g. sum(...)",
	observation.NaN:          "the value is NaN",
	observation.Infinite:     "the value is infinite",
	observation.Negative:     "the value is negative",
	observation.OutOfRange:   "the value is above 2^63, no count of anything",
	observation.WrongType:    "the result is a string or a range of samples, no number",
	observation.BadQuery:     "Prometheus cannot parse or execute the query",
	observation.Incomplete:   "the server says that a part of its answer is missing",
	observation.NoReplicas:   "no replica is ready, so the metric cannot be related to replicas",
	observation.Contested:    "another autoscaler acts on the same target",
	observation.NotFound:     "it does not exist",
	observation.Forbidden:    "access was denied",
	observation.Invalid:      "the request was rejected as invalid",
	observation.Throttled:    "the server asked to slow down",
	observation.TimedOut:     "no answer in time",
	observation.Unavailable:  "the server did not answer, or not properly",
	observation.Conflict:     "it was changed by somebody else meanwhile",
	observation.InProgress:   "another change is under way",
	observation.LimitReached: "a quota or the capacity is exhausted",
}

// Meaning returns a code in words.
func Meaning(code observation.Code) string {
	if text := meanings[code]; text != "" {
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
