package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/karpenter-sim/karpenter/providers/promql"
)

// An enforceFlag says which label every selector gets, as in the controller.
type enforceFlag struct{ name string }

func (e *enforceFlag) add(f *pflag.FlagSet) {
	f.StringVar(&e.name, "enforce-label", "", "the controller's flag of this name: every selector of every query gets this label with the namespace of its autoscaler, e.g. namespace")
}

// label is what the flag names.
func (e *enforceFlag) label() (promql.Label, error) {
	l, err := promql.ParseLabel(e.name)
	if err != nil {
		return "", fmt.Errorf("--enforce-label %w", err)
	}
	return l, nil
}
