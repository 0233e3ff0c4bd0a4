package escape

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/yaml"
)

// YAML is YAML documents with the same values. Where a string in them could be taken
// for a command by a terminal or a log, they are JSON, which is YAML as well.
func YAML(text []byte) ([]byte, error) {
	if Harmless(text) {
		return text, nil
	}
	var out []byte
	for i, doc := range bytes.Split(text, []byte("\n---\n")) {
		data, err := yaml.YAMLToJSON(doc)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", i+1, err)
		}
		if i > 0 {
			out = append(out, "---\n"...)
		}
		out = append(append(out, JSON(data)...), '\n')
	}
	return out, nil
}
