package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(2)
	}
}

// run writes the book that the arguments ask for.
func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("docs", flag.ContinueOnError)
	root := flags.String("root", ".", "the repository")
	to := flags.String("out", filepath.Join("out", "docs"), "directory of the site")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if _, err := os.Stat(filepath.Join(*root, "go.mod")); err != nil {
		return fmt.Errorf("--root %s is not the repository: %w", *root, err)
	}
	site, err := build(*root)
	if err != nil {
		return err
	}
	if len(site.broken) > 0 {
		return errors.Join(site.broken...)
	}
	if err := site.write(*to); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d pages: %s\n", len(site.pages), filepath.Join(*to, "index.html"))
	return err
}
