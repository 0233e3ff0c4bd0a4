package world

import (
	"maps"
	"slices"
)

// A Node is a machine that runs pods.
type Node struct {
	Name string
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
