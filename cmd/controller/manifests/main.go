package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/karpenter-sim/karpenter/cmd/controller/charts"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(2)
	}
}

// semantic is a version that helm accepts, with the v of a git tag.
var semantic = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

// run writes a release and prints its files.
func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("manifests", flag.ContinueOnError)
	provider := flags.String("provider", "none", "cloud provider: aws or none")
	version := flags.String("version", "", "version of the release, as v0.1.0")
	dryRun := flags.Bool("dry-run", false, "a controller that scales nothing, and has no right to")
	out := flags.String("out", "releases", "directory that gets a folder for each provider")
	var settings []string
	flags.Func("set", "`PATH=VALUE` of the chart's values; may be repeated", func(setting string) error {
		settings = append(settings, setting)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if !semantic.MatchString(*version) {
		return fmt.Errorf("version %q: want a semantic version, as VERSION=v0.1.0", *version)
	}
	settings = append(settings, "provider="+*provider)
	name := *version
	if *dryRun {
		settings = append(settings, "dryRun=true")
		name += "-dry-run"
	}
	manifest, err := release(*version, settings...)
	if err != nil {
		return err
	}
	definitions, err := crds()
	if err != nil {
		return err
	}
	archive, err := charts.Archive(*version, *provider, definitions)
	if err != nil {
		return err
	}
	layout, err := charts.Layout(archive)
	if err != nil {
		return err
	}
	chart := charts.Name + "-" + strings.TrimPrefix(*version, "v")
	for _, file := range []struct {
		name    string
		content []byte
	}{{name + ".yaml", manifest}, {chart + ".tgz", archive}, {chart + ".oci.tar", layout}} {
		if err := write(stdout, filepath.Join(*out, *provider, file.name), file.content); err != nil {
			return err
		}
	}
	return nil
}

// write writes a whole file or none, and prints its name.
func write(stdout io.Writer, name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", content, 0o644); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	_, err := fmt.Fprintln(stdout, name)
	return err
}
