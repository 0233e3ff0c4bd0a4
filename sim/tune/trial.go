package tune

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// The states of a trial.
const (
	Played  = "played"
	Stopped = "stopped" // ended early against a fixed bound
	Invalid = "invalid" // no valid policy
)

// A Trial is one candidate and what came of it; its JSON is a line of
// trials.jsonl.
type Trial struct {
	// ID counts the trials of a search from 1; 0 is the current policy.
	ID int `json:"trial"`
	// Unit is the unit of work that it belongs to, 0 for the current policy
	// and for neighbours.
	Unit int `json:"unit,omitempty"`
	// Learned is the number of windows, from the first on, that its sampler
	// had learned from.
	Learned int `json:"learned,omitempty"`
	// Neighbour of the trial of that ID; such a trial is looked at, not chosen.
	Neighbour int `json:"neighbourOf,omitempty"`
	// Simpler than the trial of that ID, of which some values are as they are in
	// the current policy again. It is chosen in that one's place or not at all.
	Simpler int `json:"simplerThan,omitempty"`
	// Metric is the one that was added beside those of the policy.
	Metric Metric `json:"metric,omitempty"`
	// Values has a value for each of the search's parameters, in their order;
	// an empty one leaves the field as it is in the current policy.
	Values []string `json:"-"`
	State  string   `json:"state"`
	// Why it was stopped or is invalid.
	Why string `json:"why,omitempty"`
	// Windows are the scores of the windows that were played to their ends.
	Windows []Score `json:"windows,omitempty"`

	// parts are the scores of the parts of all subjects, where it was examined.
	parts []Score
}

// sum adds the windows from..to-1, which must have been played.
func (t *Trial) sum(from, to int) Score {
	var s Score
	for _, w := range t.Windows[from:to] {
		s.Seconds += w.Seconds
		s.Add(w)
	}
	return s
}

// line is the trial's line, with newline.
func (t *Trial) line(parameters []Parameter) ([]byte, error) {
	var set bytes.Buffer
	for i, v := range t.Values {
		if i > 0 {
			set.WriteByte(',')
		}
		for _, text := range []string{parameters[i].Path, v} {
			quoted, err := json.Marshal(text)
			if err != nil {
				return nil, err
			}
			set.Write(quoted)
			set.WriteByte(':')
		}
		set.Truncate(set.Len() - 1)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(struct {
		*Trial
		Set json.RawMessage `json:"parameters,omitempty"`
	}{t, wrap(set.Bytes())})
	return b.Bytes(), err
}

func wrap(members []byte) json.RawMessage {
	if len(members) == 0 {
		return nil
	}
	return json.RawMessage("{" + string(members) + "}")
}

// parseTrial reads what line writes.
func parseTrial(line []byte, parameters []Parameter) (*Trial, error) {
	var read struct {
		Trial
		Set map[string]string `json:"parameters"`
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return nil, err
	}
	t := read.Trial
	if len(read.Set) != len(parameters) && len(read.Set) > 0 {
		return nil, fmt.Errorf("trial %d has %d parameters, the search has %d", t.ID, len(read.Set), len(parameters))
	}
	for i := range parameters {
		v, ok := read.Set[parameters[i].Path]
		if !ok && len(read.Set) > 0 {
			return nil, fmt.Errorf("trial %d has no %s", t.ID, parameters[i].Path)
		}
		if ok {
			t.Values = append(t.Values, v)
		}
	}
	return &t, nil
}

// key tells candidates apart.
func key(values []string) string { return strings.Join(values, "\x00") }
