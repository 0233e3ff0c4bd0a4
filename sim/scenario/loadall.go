package scenario

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// LoadAll loads the scenarios of a call, sorted by name: files, and of
// directories every file that has a Scenario. Options.Run selects among them
// by name; what it leaves out is not checked. Two scenarios of one name, or
// none at all, are errors; with any error nothing is returned.
func LoadAll(paths []string, o Options) ([]*File, error) {
	var errs []error
	var files []*File
	var names []string
	sources := map[string]bool{}
	stdin, err := o.buffer(paths)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		o.Stdin = stdin()
		found, err := candidates(path, o)
		errs = append(errs, err)
		for _, c := range found {
			if sources[c.path] {
				continue
			}
			sources[c.path] = true
			if name := c.name(); name != "" {
				names = append(names, name)
				if o.Run != nil && !o.Run.MatchString(name) {
					continue
				}
			}
			o.Stdin = stdin()
			f, err := load(c.path, c.docs, o)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			files = append(files, f)
		}
	}
	errs = append(errs, collisions(files)...)
	if err := manifest.Join(errs...); err != nil {
		return nil, err
	}
	if len(files) == 0 && !o.Optional {
		return nil, none(paths, names, o)
	}
	slices.SortFunc(files, func(a, b *File) int { return strings.Compare(a.Metadata.Name, b.Metadata.Name) })
	return files, nil
}

// buffer makes standard input readable as often as scenarios need it.
func (o Options) buffer(paths []string) (again func() io.Reader, err error) {
	if o.Stdin == nil || !slices.Contains(paths, "-") && !slices.Contains(o.Manifests, "-") {
		return func() io.Reader { return o.Stdin }, nil
	}
	data, err := manifest.ReadText(o.Stdin, "<stdin>")
	if err != nil {
		return nil, manifest.Join(err)
	}
	return func() io.Reader { return bytes.NewReader(data) }, nil
}

// A candidate is a file that should have a Scenario.
type candidate struct {
	path string
	docs []*manifest.Document
}

// name is the scenario's name as far as it can be told without decoding.
func (c candidate) name() string {
	for _, d := range c.docs {
		if isScenario(d) {
			return d.Name()
		}
	}
	return ""
}

// candidates reads a path. In a directory, files without Scenario are passed
// over, and so are unreadable ones that do not even mention it.
func candidates(path string, o Options) ([]candidate, error) {
	info, err := os.Stat(path)
	if path == "-" || err != nil || !info.IsDir() {
		docs, err := manifest.Read([]string{path}, o.Stdin)
		if err != nil {
			return nil, err
		}
		if path != "-" {
			path = filepath.Clean(path)
		}
		return []candidate{{path: path, docs: docs}}, nil
	}
	files, err := manifest.Files(path)
	if err != nil {
		return nil, err
	}
	var list []candidate
	var errs []error
	for _, f := range files {
		if mentioned, err := mentions(f, APIVersion[:strings.IndexByte(APIVersion, '/')]); err == nil && !mentioned {
			continue
		}
		docs, err := manifest.Read([]string{f}, nil)
		if err != nil {
			errs = append(errs, err)
		} else if slices.ContainsFunc(docs, isScenario) {
			list = append(list, candidate{path: f, docs: docs})
		}
	}
	return list, manifest.Join(errs...)
}

// mentions says whether a file has a word in it, as far as manifests may be long.
func mentions(path, word string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	data, err := manifest.ReadText(f, path)
	return bytes.Contains(data, []byte(word)), err
}

// collisions are names that differ at most in case: their directories would be
// the same on some systems.
func collisions(files []*File) []error {
	var errs []error
	first := map[string]*File{}
	for _, f := range files {
		key := strings.ToLower(f.Metadata.Name)
		if other, twice := first[key]; twice {
			errs = append(errs, f.Doc.Errorf("metadata.name", "the name %q is taken by the scenario at %s",
				f.Metadata.Name, other.Doc.Locate("metadata.name")))
			continue
		}
		first[key] = f
	}
	return errs
}

func none(paths, names []string, o Options) error {
	if o.Run != nil && len(names) > 0 {
		slices.Sort(names)
		return manifest.Join(fmt.Errorf("no scenario matches %q; there are %s", o.Run, strings.Join(names, ", ")))
	}
	return manifest.Join(fmt.Errorf("no Scenario found in %s; want documents with apiVersion: %s and kind: %s",
		strings.Join(paths, ", "), APIVersion, Kind))
}
