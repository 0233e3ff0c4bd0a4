package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/reports"
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
		return a.writeYAML(text)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return internal(err)
	}
	_, err := a.stdout.Write(escape.JSON(text.Bytes()))
	return err
}

// writeYAML prints documents for machines.
func (a *app) writeYAML(text []byte) error {
	harmless, err := escape.YAML(text)
	if err != nil {
		return internal(err)
	}
	_, err = a.stdout.Write(harmless)
	return err
}

// noteSkipped counts what is of no interest here.
func (a *app) noteSkipped(set *manifest.Set) {
	for _, s := range set.Skipped {
		if s.Kind == "" {
			a.note("skipped %s without kind", counted(s.Count, "document"))
			continue
		}
		a.note("skipped %d %s (%s)%s", s.Count, s.Kind, s.APIVersion, s.Cure())
	}
}

// counted is a number with its noun: "1 gap", "2 gaps".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// annotate has a GitHub workflow show a message beside the file; elsewhere it
// does nothing.
func (a *app) annotate(annotation reports.Annotation) {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return
	}
	annotation.File = inWorkspace(annotation.File)
	fmt.Fprintln(behind(a.stderr), annotation)
}

// behind is the stream that takes commands and colours.
func behind(w io.Writer) io.Writer {
	if log, ok := w.(*escape.Log); ok {
		return log.Unwrap()
	}
	return w
}

// terminalOf is the terminal that a stream ends at.
func terminalOf(w io.Writer) (*os.File, bool) {
	file, ok := behind(w).(*os.File)
	return file, ok && term.IsTerminal(int(file.Fd()))
}

// inWorkspace is a file's path in the repository that a workflow checked out,
// wherever in it the program runs.
func inWorkspace(file string) string {
	workspace := os.Getenv("GITHUB_WORKSPACE")
	if workspace == "" || file == "" {
		return file
	}
	path, err := filepath.Rel(workspace, absolute(file))
	if err != nil || strings.HasPrefix(path, "..") {
		return file
	}
	return filepath.ToSlash(path)
}

// annotateErrors does so for errors in files.
func (a *app) annotateErrors(err error) {
	all := manifest.Placed(err)
	for _, e := range all[:min(len(all), limit.Listed)] {
		message := e.Message
		if e.Field != "" {
			message = e.Field + ": " + message
		}
		p := e.Position
		a.annotate(reports.Annotation{File: p.File, Line: p.Line, Column: p.Column, Message: message})
	}
}
