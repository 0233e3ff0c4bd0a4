package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

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

// noteSkipped counts what is of no interest here.
func (a *app) noteSkipped(set *manifest.Set) {
	for _, s := range set.Skipped {
		if s.Kind == "" {
			a.note("skipped %s without kind", counted(s.Count, "document"))
			continue
		}
		a.note("skipped %d %s (%s)", s.Count, s.Kind, s.APIVersion)
	}
}

// counted is a number with its noun: "1 gap", "2 gaps".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

var (
	commandEscaper  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscaper = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// annotate repeats an error as a GitHub workflow shows it beside the file.
func (a *app) annotate(file string, line, column int, message string) {
	if os.Getenv("GITHUB_ACTIONS") != "true" || file == "" {
		return
	}
	fmt.Fprintf(a.stderr, "::error file=%s,line=%d,col=%d::%s\n", propertyEscaper.Replace(file), max(line, 1), max(column, 1), commandEscaper.Replace(message))
}
