package main

import (
	"path/filepath"

	"github.com/karpenter-sim/karpenter/engine/escape"
)

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// quoteArgument writes an argument as a shell reads it.
func quoteArgument(s string) string { return escape.Argument(s) }
