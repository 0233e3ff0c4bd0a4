package tune

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// A Description holds what makes a search the one it is: everything that its
// trials depend on.
type Description struct {
	// Version is the program's: another one may decide otherwise.
	Version     string         `json:"version"`
	Sampler     string         `json:"sampler"`
	Trials      int            `json:"trials"`
	Seed        int64          `json:"seed"`
	Folds       int            `json:"folds"`
	Constraints []string       `json:"constraints,omitempty"`
	Season      bool           `json:"season,omitempty"`
	Parameters  []ParameterDoc `json:"parameters"`
	// Inputs name the scenarios and digest them with their recordings.
	Inputs []InputDoc `json:"inputs"`
}

// A ParameterDoc is a parameter as it is written.
type ParameterDoc struct {
	Path   string   `json:"path"`
	Search string   `json:"search"`
	With   []string `json:"with,omitempty"`
}

// An InputDoc names a scenario and what it is made of.
type InputDoc struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// Describe describes the search; digests are those of its subjects' inputs.
func (s *Search) Describe(version string, digests []string) Description {
	d := Description{Version: version, Sampler: s.Sampler, Trials: s.Trials, Seed: s.Seed, Folds: s.Folds, Season: s.Season}
	for i := range s.Constraints {
		d.Constraints = append(d.Constraints, s.Constraints[i].Text)
	}
	for i := range s.Parameters {
		p := &s.Parameters[i]
		d.Parameters = append(d.Parameters, ParameterDoc{p.Path, p.Describe(), p.With})
	}
	for i := range s.Subjects {
		d.Inputs = append(d.Inputs, InputDoc{s.Subjects[i].Name, digests[i]})
	}
	return d
}

// Digest identifies the search, "sha256:" and hex.
func (d *Description) Digest() (string, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// Lines is trials.jsonl: the current policy, then each trial.
func (o *Outcome) Lines() ([]byte, error) {
	text, err := o.Current.line(nil)
	if err != nil {
		return nil, err
	}
	more, err := o.Encode(o.Trials)
	return append(text, more...), err
}

// Encode writes trials, a line each.
func (s *Search) Encode(trials []Trial) ([]byte, error) {
	var text []byte
	for i := range trials {
		line, err := trials[i].line(s.Parameters)
		if err != nil {
			return nil, err
		}
		text = append(text, line...)
	}
	return text, nil
}

// Decode reads trials that Encode wrote. An error names the line.
func (s *Search) Decode(text []byte) ([]Trial, error) {
	var out []Trial
	for i, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		t, err := parseTrial(line, s.Parameters)
		if err == nil && (t.Unit < 1 || t.Unit > s.Units()) {
			err = fmt.Errorf("unit %d; the search has %d", t.Unit, s.Units())
		}
		if err == nil && len(t.Windows) > s.Folds+1 {
			err = fmt.Errorf("%d windows; the search has %d", len(t.Windows), s.Folds+1)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		out = append(out, *t)
	}
	return out, nil
}
