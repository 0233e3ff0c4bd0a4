package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// What -o takes.
const (
	tableFormat = "table"
	jsonFormat  = "json"
	yamlFormat  = "yaml"
)

func addFormat(c *cobra.Command, format *string) {
	c.Flags().StringVarP(format, "output", "o", tableFormat, "what stdout shows: table, json or yaml")
}

func checkFormat(format string) error {
	if !slices.Contains([]string{tableFormat, jsonFormat, yamlFormat}, format) {
		return fmt.Errorf("-o %s: want table, json or yaml", format)
	}
	return nil
}

// encode prints a value as JSON or YAML.
func (a *app) encode(format string, v any) error {
	if format == yamlFormat {
		text, err := manifest.Marshal(v)
		if err != nil {
			return internal(err)
		}
		_, err = a.stdout.Write(text)
		return err
	}
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
