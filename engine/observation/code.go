// Package observation is the closed list of codes for what could not be
// observed or used. Fakes and live adapters share it, and the journal records
// it instead of a server's words, so that both modes write the same bytes.
package observation

// A Code says why an observation is unusable; the empty code means it is usable.
type Code string

// The codes. A metric with any of them never lowers the replicas.
const (
	OK Code = ""

	// Of a query's result.
	Empty      Code = "Empty"      // no sample: nothing matched, or the series went stale
	ManySeries Code = "ManySeries" // more than one sample; aggregate in the query
	NaN        Code = "NaN"
	Infinite   Code = "Infinite"
	Negative   Code = "Negative"
	OutOfRange Code = "OutOfRange" // above 2^63, no count of anything
	WrongType  Code = "WrongType"  // a string or a matrix
	Incomplete Code = "Incomplete" // the server says that a part of its answer is missing
	BadQuery   Code = "BadQuery"   // the server cannot parse or execute the query

	// Of the scale target.
	NoReplicas Code = "NoReplicas" // no replica is ready while spec.replicas is not 0: the metric cannot be related to replicas
	Contested  Code = "Contested"  // another autoscaler acts on the same target

	// Of any server.
	NotFound     Code = "NotFound"
	Forbidden    Code = "Forbidden"
	Invalid      Code = "Invalid" // the request was rejected as invalid
	Throttled    Code = "Throttled"
	TimedOut     Code = "TimedOut"
	Unavailable  Code = "Unavailable" // connection refused, 5xx, truncated or malformed answer
	Conflict     Code = "Conflict"
	InProgress   Code = "InProgress"   // another change of the same resource is under way
	LimitReached Code = "LimitReached" // quota or capacity of the provider is exhausted
)

// meanings are the codes in words.
var meanings = map[Code]string{
	Empty:        "no sample; nothing matched, or the series went stale",
	ManySeries:   "more than one sample; aggregate in the query, e.g. sum(...)",
	NaN:          "the value is NaN",
	Infinite:     "the value is infinite",
	Negative:     "the value is negative",
	OutOfRange:   "the value is above 2^63, no count of anything",
	WrongType:    "the result is a string or a range of samples, no number",
	BadQuery:     "Prometheus cannot parse or execute the query",
	Incomplete:   "the server says that a part of its answer is missing",
	NoReplicas:   "no replica is ready, so the metric cannot be related to replicas",
	Contested:    "another autoscaler acts on the same target",
	NotFound:     "it does not exist",
	Forbidden:    "access was denied",
	Invalid:      "the request was rejected as invalid",
	Throttled:    "the server asked to slow down",
	TimedOut:     "no answer in time",
	Unavailable:  "the server did not answer, or not properly",
	Conflict:     "it was changed by somebody else meanwhile",
	InProgress:   "another change is under way",
	LimitReached: "a quota or the capacity is exhausted",
}

// Meaning says a code in words; it is empty for OK.
func (c Code) Meaning() string { return meanings[c] }
