package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/sim/output"
)

//go:embed init_readme.md
var initReadme string

const readmeFile = "README.md"

// initOutput is the kind of directory that init writes: it is the user's as soon as it is there.
var initOutput = output.Options{Kind: output.Scenarios}

// refuse names the first file that is there already, unless a killed init left it.
func (all starters) refuse(out string) error {
	if err := output.Check(out, initOutput); err != nil {
		return inOutput(out, err)
	}
	if output.Marked(out) {
		return nil // of what was left, the marker lists what may be replaced
	}
	for _, s := range all {
		for _, path := range []string{s.path, runs.Golden(s.path)} {
			_, err := os.Lstat(path)
			if err == nil {
				return fmt.Errorf("--out %s: %s is there already and init overwrites nothing; bring it up to date with --sync, or name another directory", out, filepath.Base(path))
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("--out %s: %w", out, reason(err))
			}
		}
	}
	return nil
}

// write puts all files into the directory. A README of somebody else stays.
func (all starters) write(dir *output.Dir, out string) error {
	files := map[string]string{}
	if readme := dir.Path(readmeFile); !exists(readme) || dir.Lists(readmeFile) {
		files[readmeFile] = strings.ReplaceAll(initReadme, "DIRECTORY", filepath.ToSlash(out))
	}
	for _, s := range all {
		name := filepath.Base(s.path)
		files[name] = string(s.text)
		if s.golden != "" {
			files[runs.Golden(name)] = s.golden
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir.Set(), name), []byte(text), 0o644); err != nil {
			return internal(err)
		}
	}
	return commit(dir, out)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
