package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// openOutput takes possession of the directory that --out names. Close it.
func openOutput(dir string, options output.Options) (*output.Dir, error) {
	if dir == "" {
		return nil, errors.New("--out is required: the directory that the reports are written to")
	}
	out, err := output.Open(dir, options)
	return out, inOutput(dir, err)
}

// checkOutput says before any work what openOutput would refuse, and refuses
// inputs in the directory.
func checkOutput(dir string, options output.Options, inputs ...output.Input) error {
	if dir == "" {
		return errors.New("--out is required: the directory that the reports are written to")
	}
	if err := excludeInputs(dir, inputs); err != nil {
		return err
	}
	return inOutput(dir, output.Check(dir, options))
}

// excludeInputs refuses inputs in the directory: a set replaces what is there.
func excludeInputs(dir string, inputs []output.Input) error {
	in, err := output.Inside(dir, inputs...)
	if err != nil || in == nil {
		return inOutput(dir, err)
	}
	return fmt.Errorf("%s %s lies inside --out %s, where a run replaces files; move it elsewhere, or name another directory", in.Name, in.Path, dir)
}

func inOutput(dir string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("--out %s: %w", dir, err)
}

// commit puts a set into its place.
func commit(out *output.Dir, dir string) error {
	if err := out.Commit(); err != nil {
		return internal(inOutput(dir, err))
	}
	return nil
}

// inputsOf are the files that scenarios refer to.
func inputsOf(files []*scenario.File) []output.Input {
	var inputs []output.Input
	add := func(name, path string) {
		if path != "" && path != stdinPath && path != stdinName {
			inputs = append(inputs, output.Input{Name: name, Path: path})
		}
	}
	for _, f := range files {
		for _, set := range append([]*manifest.Set{f.Manifests}, f.Variants...) {
			for _, file := range filesOf(set) {
				add("manifest", file)
			}
		}
		for _, r := range f.Spec.Recordings {
			add("recording", f.Resolve(r.File))
		}
		for _, r := range f.Spec.Prometheus.RuleFiles {
			add("rule file", f.Resolve(r))
		}
	}
	return inputs
}

// filesOf are the files of a set's documents.
func filesOf(set *manifest.Set) []string {
	if set == nil {
		return nil
	}
	var files []string
	for i := range set.Autoscalers {
		files = append(files, set.Autoscalers[i].Doc.File)
	}
	for i := range set.Producers {
		files = append(files, set.Producers[i].Doc.File)
	}
	for i := range set.NodeGroups {
		files = append(files, set.NodeGroups[i].Doc.File)
	}
	for i := range set.Foreign {
		files = append(files, set.Foreign[i].Doc.File)
	}
	return files
}

// checkRunName refuses a scenario whose directory would have the name of a file of
// the whole call.
func checkRunName(name string) error {
	for _, file := range []string{reports.JSONFile, "index.html", "summary.md", "junit.xml", output.Marker} {
		if strings.EqualFold(name, file) {
			return fmt.Errorf("scenario %q: --out has a file of this name; give it another one", name)
		}
	}
	return nil
}

// flagInputs are the paths of a flag.
func flagInputs(flag string, paths ...string) []output.Input {
	var inputs []output.Input
	for _, p := range paths {
		if p != "" && p != stdinPath {
			inputs = append(inputs, output.Input{Name: flag, Path: p})
		}
	}
	return inputs
}

// reason is an operating system's error without the path that the caller names.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
