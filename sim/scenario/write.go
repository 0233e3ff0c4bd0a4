package scenario

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// Write renders a scenario and the objects that stand inline after it, each a
// document of its own. The same values give the same bytes, and ParseText of
// the bytes gives the same scenario; one that it would refuse is an error.
func Write(s *Scenario, objects ...runtime.Object) ([]byte, error) {
	complete := *s
	complete.APIVersion, complete.Kind = APIVersion, Kind
	text, err := manifest.Marshal(complete)
	if err == nil {
		_, err = ParseText("scenario.yaml", text)
	}
	if err != nil {
		return nil, fmt.Errorf("write scenario %s: %w", s.Metadata.Name, err)
	}
	for _, o := range objects {
		doc, err := manifest.MarshalObject(o)
		if err != nil {
			return nil, fmt.Errorf("write a manifest of scenario %s: %w", s.Metadata.Name, err)
		}
		text = append(append(text, "---\n"...), doc...)
	}
	return text, nil
}

// NewFile returns a scenario as if it had been loaded from a file at path that Write
// made, without manifests.
func NewFile(path string, s *Scenario) (*File, error) {
	text, err := Write(s)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path}
	if f.Scenario, err = ParseText(path, text); err != nil {
		return nil, err
	}
	docs, err := manifest.Parse(path, text)
	if err != nil {
		return nil, err
	}
	f.Doc = docs[0]
	return f, nil
}
