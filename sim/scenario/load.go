package scenario

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// Options change how scenarios are loaded.
type Options struct {
	// Run selects scenarios by name; nil selects all.
	Run *regexp.Regexp
	// Manifests, if any, replace inline manifests and spec.manifests. They are
	// relative to the working directory.
	Manifests []string
	// Optional says that there need not be a scenario.
	Optional bool
	// EnableFeatures come besides each scenario's own.
	EnableFeatures []string
	// Stdin is read once for the path "-", wherever it stands; nil refuses it.
	Stdin io.Reader
}

// A File is a scenario with all that belongs to it.
type File struct {
	*Scenario
	// Path is the file as it was given.
	Path string
	// Doc is the scenario's document, for positions.
	Doc *manifest.Document
	// Manifests are the objects to simulate; Foreign ones are not converted yet.
	Manifests *manifest.Set
	// Variants are the variants' own manifests, in the order of spec.variants;
	// nil for a variant that only sets fields.
	Variants []*manifest.Set
}

// Covers returns the time of the run.
func (f *File) Covers() result.Interval {
	return result.Interval{Start: f.Spec.Start.Unix(), End: f.Spec.Start.Add(time.Duration(f.Spec.Duration)).Unix()}
}

// Resolve makes a path of the scenario file relative to the working directory.
func (f *File) Resolve(path string) string { return resolve(f.Path, path) }

func resolve(file, path string) string {
	if filepath.IsAbs(path) || file == "-" {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// Load reads the scenario of one file, with its manifests, and checks
// everything that can be checked without a run. It returns manifest.Errors.
func Load(path string, o Options) (*File, error) {
	docs, err := manifest.Read([]string{path}, o.Stdin)
	if err != nil {
		return nil, err
	}
	if path != "-" {
		path = filepath.Clean(path)
	}
	return load(path, docs, o)
}

func load(path string, docs []*manifest.Document, o Options) (*File, error) {
	doc, inline, err := separate(path, docs)
	if err != nil {
		return nil, err
	}
	s, err := parse(doc, o.EnableFeatures...)
	f := &File{Scenario: s, Path: path, Doc: doc}
	if err != nil {
		// The inline manifests have their own mistakes to tell.
		_, inlineErr := manifest.Collect(inline)
		return nil, manifest.Join(err, inlineErr)
	}
	l := &loader{file: f}
	l.readManifests(inline, o)
	l.readVariants()
	l.checkFiles()
	l.checkOwners()
	if err := manifest.Join(l.errs...); err != nil {
		return nil, err
	}
	return f, nil
}

// separate finds the one Scenario among the documents of a file.
func separate(path string, docs []*manifest.Document) (scenario *manifest.Document, others []*manifest.Document, err error) {
	for _, d := range docs {
		switch {
		case !isScenario(d):
			others = append(others, d)
		case scenario != nil:
			return nil, nil, manifest.Join(d.Errorf("", "a second Scenario in one file; the first is at %s", scenario.Position()))
		default:
			scenario = d
		}
	}
	if scenario == nil {
		return nil, nil, manifest.Join(&manifest.Error{
			Position: manifest.Position{File: path},
			Message:  fmt.Sprintf("no Scenario; want a document with apiVersion: %s and kind: %s", APIVersion, Kind),
		})
	}
	return scenario, others, nil
}

// isScenario goes by the group, so that a wrong version or kind is reported and
// not passed over.
func isScenario(d *manifest.Document) bool {
	group, _, _ := strings.Cut(APIVersion, "/")
	return strings.HasPrefix(d.APIVersion, group+"/")
}

// A loader collects what is wrong with what a scenario refers to.
type loader struct {
	file *File
	errs []error
}

func (l *loader) fail(path, format string, args ...any) {
	l.errs = append(l.errs, l.file.Doc.Errorf(path, format, args...))
}

// readManifests collects the objects to simulate. Scenarios that lie in the
// same directory are no business of this one.
func (l *loader) readManifests(inline []*manifest.Document, o Options) {
	docs := inline
	if len(o.Manifests) > 0 {
		given, err := manifest.Read(o.Manifests, o.Stdin)
		docs, l.errs = given, append(l.errs, err)
	} else {
		docs = append(docs, l.read("spec.manifests", l.file.Spec.Manifests)...)
	}
	set, err := manifest.CollectIn(l.file.Spec.Namespace(), withoutScenarios(docs))
	l.errs = append(l.errs, err)
	complete := manifest.Join(l.errs...) == nil
	only, missing := l.file.Spec.Only(set)
	for _, i := range missing {
		if complete {
			l.fail(index("spec.objects", i), "%s is in none of the manifests", l.file.Spec.Objects[i])
		}
	}
	l.file.Manifests = only
}

// read reads the files that a field of the scenario names; one that is missing
// is reported at that field.
func (l *loader) read(field string, paths []string) []*manifest.Document {
	var docs []*manifest.Document
	for i, p := range paths {
		if !l.exists(index(field, i), p) {
			continue
		}
		more, err := manifest.Read([]string{l.file.Resolve(p)}, nil)
		for _, d := range more {
			if d.File != l.file.Path {
				docs = append(docs, d)
			}
		}
		l.errs = append(l.errs, err)
	}
	return docs
}

func withoutScenarios(docs []*manifest.Document) []*manifest.Document {
	var kept []*manifest.Document
	for _, d := range docs {
		if !isScenario(d) {
			kept = append(kept, d)
		}
	}
	return kept
}

func (l *loader) readVariants() {
	for i, v := range l.file.Spec.Variants {
		at := index("spec.variants", i)
		if len(v.Set) > 0 {
			_, err := l.file.Manifests.Assign(v.Set)
			l.failEach(at+".set", err)
			l.file.Variants = append(l.file.Variants, nil)
			continue
		}
		set, err := manifest.CollectIn(l.file.Spec.Namespace(), withoutScenarios(l.read(at+".manifests", v.Manifests)))
		l.errs = append(l.errs, err)
		only, missing := l.file.Spec.Only(set)
		if n := len(l.file.Spec.Objects); n > 0 && len(missing) == n && manifest.Join(l.errs...) == nil {
			l.fail(at+".manifests", "they have none of spec.objects")
		}
		l.file.Variants = append(l.file.Variants, only)
	}
}

// failEach reports every line of an error at a field.
func (l *loader) failEach(field string, err error) {
	var list manifest.Errors
	errors.As(err, &list)
	for _, e := range list {
		l.fail(field, "%v", e)
	}
}

// exists reports a path that cannot be read, at the field that names it.
func (l *loader) exists(field, path string) bool {
	_, err := os.Stat(l.file.Resolve(path))
	if err == nil {
		return true
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	l.fail(field, "%s: %v; paths are relative to the scenario file", l.file.Resolve(path), err)
	return false
}

func (l *loader) checkFiles() {
	for i, r := range l.file.Spec.Recordings {
		l.exists(index("spec.recordings", i)+".file", r.File)
	}
	for i, path := range l.file.Spec.Prometheus.RuleFiles {
		if at := index("spec.prometheus.ruleFiles", i); l.exists(at, path) {
			l.checkRules(at, l.file.Resolve(path))
		}
	}
}

func (l *loader) checkRules(at, path string) {
	text, err := fake.ReadRules(path)
	if err != nil {
		l.fail(at, "%v", err)
		return
	}
	features, _ := fake.ParseFeatures(l.file.Spec.Prometheus.EnableFeatures...) // validated
	logger := slog.New(slog.DiscardHandler)
	_, errs := rulefmt.Parse(text, false, model.UTF8Validation, features.Parser(), logger)
	for _, err := range errs {
		l.fail(at, "%s: %s", path, strings.Join(strings.Fields(err.Error()), " "))
	}
}

// checkOwners refuses a target that a ScalableNodeGroup of the manifests owns, and
// a group of the provider that none does.
func (l *loader) checkOwners() {
	for i, declared := range l.file.Spec.NodeGroups {
		if !slices.ContainsFunc(l.file.Manifests.NodeGroups, func(g manifest.NodeGroup) bool {
			return declared.Reference() == Reference{Namespace: g.Object.Namespace, Kind: nodeGroupKind, Name: g.Object.Name}
		}) {
			l.fail(index("spec.nodeGroups", i)+".name", "there is no manifest of %s, which says type and id of the group", declared.Reference())
		}
	}
	for i, t := range l.file.Spec.Targets {
		for _, g := range l.file.Manifests.NodeGroups {
			owned := Reference{Namespace: g.Object.Namespace, Kind: nodeGroupKind, Name: g.Object.Name}
			if t.Reference() == owned {
				l.fail(index("spec.targets", i), "%s has two owners; the manifest at %s is the other", owned, g.Doc.Locate("metadata.name"))
			}
		}
	}
}
