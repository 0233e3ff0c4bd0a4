package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed init_readme.md
var initReadme string

const readmeFile = "README.md"

// refuse names the first file that is there already.
func (all starters) refuse(out string) error {
	if info, err := os.Stat(out); err == nil && !info.IsDir() {
		return fmt.Errorf("--out %s: a file; name a directory", out)
	}
	for _, s := range all {
		for _, path := range []string{s.path, goldenOf(s.path)} {
			_, err := os.Lstat(path)
			if err == nil {
				return fmt.Errorf("--out %s: %s is there already and init overwrites nothing; remove it, or name another directory", out, filepath.Base(path))
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("--out %s: %w", out, reason(err))
			}
		}
	}
	return nil
}

// write puts all files into the directory, or none. A README of somebody else
// stays.
func (all starters) write(out string) error {
	parent := filepath.Dir(absolute(out))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("--out %s: %w", out, reason(err))
	}
	temporary, err := os.MkdirTemp(parent, "."+filepath.Base(absolute(out))+"-")
	if err != nil {
		return fmt.Errorf("--out %s: %w", out, reason(err))
	}
	defer os.RemoveAll(temporary)
	names := []string{readmeFile}
	files := map[string]string{readmeFile: strings.ReplaceAll(initReadme, "DIRECTORY", filepath.ToSlash(out))}
	for _, s := range all {
		name := filepath.Base(s.path)
		names = append(names, name, goldenOf(name))
		files[name], files[goldenOf(name)] = string(s.text), s.golden
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(temporary, name), []byte(files[name]), 0o644); err != nil {
			return internal(err)
		}
	}
	if _, err := os.Stat(out); errors.Is(err, fs.ErrNotExist) {
		if err := errors.Join(os.Chmod(temporary, 0o755), os.Rename(temporary, out)); err != nil {
			return fmt.Errorf("--out %s: %w", out, err)
		}
		return nil
	}
	if _, err := os.Lstat(filepath.Join(out, readmeFile)); err == nil {
		names = names[1:]
	}
	return moveAll(temporary, out, names)
}

// moveAll moves files into a directory that has others, and takes them away
// again if one cannot be moved.
func moveAll(from, to string, names []string) error {
	for i, name := range names {
		err := os.Rename(filepath.Join(from, name), filepath.Join(to, name))
		if err == nil {
			continue
		}
		errs := []error{fmt.Errorf("--out %s: %w", to, err)}
		for _, moved := range names[:i] {
			errs = append(errs, os.Remove(filepath.Join(to, moved)))
		}
		return errors.Join(errs...)
	}
	return nil
}
