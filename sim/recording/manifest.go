package recording

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	// manifestFile marks a directory that Record wrote.
	manifestFile = "recording.json"
	// manifestVersion is the only version there is.
	manifestVersion = 1
)

// A Manifest says what a recorded directory holds. It carries no credentials.
type Manifest struct {
	Version int `json:"version"`
	// From and To bound the samples, Unix milliseconds, inclusive.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Start is the first instant at which the queries were meant to be evaluated;
	// what is before fills their ranges and the policies' windows. It is 0 in
	// recordings that do not say.
	Start int64 `json:"start,omitempty"`
	// Source is the address that was read, without user, password and query.
	Source string `json:"source,omitempty"`
	// StaleMarkers tells whether the source kept stale markers.
	StaleMarkers bool `json:"staleMarkers"`
	// Inferred is how many stale markers were set where the source kept none: where
	// a series was missing from a scrape.
	Inferred int64 `json:"inferredMarkers,omitempty"`
	// Selectors are the series selectors that were saved.
	Selectors []string `json:"selectors,omitempty"`
	// Queries are the queries that the recording is for, or whose results it holds.
	Queries []EvaluatedQuery `json:"queries,omitempty"`
	// Evaluated recordings hold query results instead of samples.
	Evaluated bool `json:"evaluated"`
}

// An EvaluatedQuery is a query and the grid of instants it was evaluated at.
// For a recording of samples only Query is set.
type EvaluatedQuery struct {
	Query string `json:"query"`
	// Digest names the query's series in the results.
	Digest string `json:"digest,omitempty"`
	// Start is the first instant, Step the distance, both in milliseconds;
	// Count is the number of instants.
	Start int64 `json:"start,omitempty"`
	Step  int64 `json:"step,omitempty"`
	Count int64 `json:"count,omitempty"`
}

func readManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, manifestFile)
	file, err := os.Open(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	defer file.Close()
	dec := json.NewDecoder(file)
	m := &Manifest{}
	if err := dec.Decode(m); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errEmpty(path)
		}
		return nil, fmt.Errorf("%s: %w", position(path, jsonOffset(dec, err)), err)
	}
	if m.Version != manifestVersion {
		return nil, fmt.Errorf("%s: version %d; this program reads version %d", path, m.Version, manifestVersion)
	}
	return m, nil
}

func writeManifest(dir string, m *Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the manifest: %w", err)
	}
	path := filepath.Join(dir, manifestFile)
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return pathError(path, err)
	}
	return nil
}
