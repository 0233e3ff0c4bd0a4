package manifest

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// quote makes strings of the numbers and booleans of an expanded object where only
// strings can be meant: in annotations, labels, and the metadata of a ScaledObject's
// triggers. It returns their paths.
func quote(object *yaml.Node) []string {
	var paths []string
	metadata := value(object, "metadata")
	for _, key := range []string{"annotations", "labels"} {
		paths = append(paths, quoteValues(value(metadata, key), "metadata."+key)...)
	}
	triggers := value(value(object, "spec"), "triggers")
	if triggers == nil || triggers.Kind != yaml.SequenceNode {
		return paths
	}
	for i, trigger := range triggers.Content {
		paths = append(paths, quoteValues(value(trigger, "metadata"), fmt.Sprintf("spec.triggers[%d].metadata", i))...)
	}
	return paths
}

func quoteValues(mapping *yaml.Node, path string) []string {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	var paths []string
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, v := mapping.Content[i], mapping.Content[i+1]
		if v.Kind == yaml.ScalarNode && slices.Contains([]string{boolTag, intTag, floatTag}, v.Tag) {
			v.Tag = stringTag
			paths = append(paths, join(path, key.Value))
		}
	}
	return paths
}
