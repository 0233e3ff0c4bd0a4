package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// referenceCommand prints all commands as one page of Markdown, for the book.
func (a *app) referenceCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "reference",
		Short:  "Print all commands and their flags as Markdown",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(a.stdout, reference(c.Root()))
			return err
		},
	}
}

// reference describes the commands below root, in their order.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands\n\n")
	b.WriteString(root.Long + "\n\n| command | does |\n|---|---|\n")
	commands := documented(root)
	for _, c := range commands {
		anchor := strings.ReplaceAll(c.CommandPath(), " ", "-")
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", c.CommandPath(), anchor, c.Short)
	}
	for _, c := range commands {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```\n%s\n```\n", c.CommandPath(), description(c), c.UseLine())
		if c.Example != "" {
			fmt.Fprintf(&b, "\n```sh\n%s\n```\n", unindented(c.Example))
		}
		writeFlags(&b, c.NonInheritedFlags())
	}
	b.WriteString("\n## Flags of all commands\n")
	writeFlags(&b, root.PersistentFlags())
	return b.String()
}

// documented are the commands that do something, parents before children.
func documented(c *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, child := range c.Commands() {
		if child.Hidden || child.Name() == "help" {
			continue
		}
		if child.Runnable() {
			list = append(list, child)
		}
		if child.Name() != "completion" { // a shell each
			list = append(list, documented(child)...)
		}
	}
	return list
}

// description is a command's long text with its indented lines as code.
func description(c *cobra.Command) string {
	text := c.Long
	if text == "" {
		return c.Short + "."
	}
	return strings.ReplaceAll(unindented(text), "\n  ", "\n      ")
}

// unindented takes two spaces from lines that all begin with them.
func unindented(text string) string {
	if !strings.HasPrefix(text, "  ") {
		return text
	}
	return strings.ReplaceAll(strings.TrimPrefix(text, "  "), "\n  ", "\n")
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	b.WriteString("\n| flag | meaning |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind != "" {
			name += " " + kind
		}
		usage = strings.ReplaceAll(strings.ReplaceAll(usage, "|", `\|`), "\n", " ")
		if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" && !strings.Contains(usage, "default") {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(name, "|", `\|`), usage)
	})
}
