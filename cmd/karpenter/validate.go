package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/replay"
	"github.com/karpenter-sim/karpenter/sim/ruletest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

func (a *app) validateCommand() *cobra.Command {
	var paths []string
	var flags replay.Conversion
	var format string
	c := &cobra.Command{
		Use:   "validate [-f] FILE|DIR|- ...",
		Short: "Check manifests and scenarios without running them",
		Long: `Validate checks manifests, scenarios and promtool's unit test files of rules as the
controller and the simulator would, and prints everything that is wrong with them: where, which field, what is
wrong and what is allowed. HorizontalPodAutoscalers and ScaledObjects are valid
if they can be converted. Other kinds are skipped and counted.`,
		Example: `  karpenter validate -f policies/ -f scenarios/
  kubectl get hpa -A -o yaml | karpenter validate -f -`,
		RunE: func(c *cobra.Command, args []string) error {
			paths = append(paths, args...)
			if len(paths) == 0 {
				return errors.New("nothing to validate: give files, directories or - with -f")
			}
			if err := checkFormat(format); err != nil {
				return err
			}
			given, err := flags.Parse()
			if err != nil {
				return err
			}
			return a.validate(c.Context(), paths, given, format)
		},
	}
	c.Flags().StringArrayVarP(&paths, "filename", "f", nil, "manifests and scenarios: file, directory or - (repeatable)")
	addConversion(c.Flags(), &flags)
	addFormat(c, &format)
	return c
}

// A validation collects what is found in the files of a call.
type validation struct {
	*app
	options convert.Options
	// features has the parts of PromQL that queries may use.
	features []string
	// stdin is the text of standard input; scenarios read it again.
	stdin []byte
	// files are in the order in which they were read.
	files []string
	valid map[string]int
	// wrong are the files that do not count as valid.
	wrong map[string]bool
	seen  map[manifest.Position]bool
	// tests are the files with unit tests of rules.
	tests map[string]bool
	errs  []error
}

func (a *app) validate(ctx context.Context, paths []string, given *replay.Queries, format string) error {
	v := &validation{app: a, options: given.Options(), features: given.Features, valid: map[string]int{}, wrong: map[string]bool{}, seen: map[manifest.Position]bool{}, tests: map[string]bool{}}
	if slices.Contains(paths, stdinPath) {
		var err error
		if v.stdin, err = manifest.ReadText(a.stdin, stdinName); err != nil {
			return err
		}
	}
	docs, err := manifest.Read(paths, bytes.NewReader(v.stdin))
	v.errs = append(v.errs, err)
	manifests, scenarios := v.divide(docs)
	v.ruleTests(docs)
	v.manifests(manifests)
	for _, file := range scenarios {
		if err := v.scenario(ctx, file); err != nil {
			return err
		}
	}
	if manifest.Join(v.errs...) == nil {
		if err := given.Unused(); err != nil {
			return err
		}
	}
	return v.tell(format)
}

// divide separates the documents of files with a scenario, which stand or fall
// together, from other manifests.
func (v *validation) divide(docs []*manifest.Document) (manifests []*manifest.Document, scenarios []string) {
	hasScenario := map[string]bool{}
	own := map[string]bool{}
	for _, d := range docs {
		own[d.File] = own[d.File] || ruletest.Is(d)
		if !slices.Contains(v.files, d.File) {
			v.files = append(v.files, d.File)
		}
		if strings.HasPrefix(d.APIVersion, scenarioGroup) && !hasScenario[d.File] {
			hasScenario[d.File] = true
			scenarios = append(scenarios, d.File)
		}
	}
	for _, d := range docs {
		if !hasScenario[d.File] && !own[d.File] {
			manifests = append(manifests, d)
		}
	}
	return manifests, scenarios
}

// ruleTests checks unit tests of rules, each of which is the first document of its file.
func (v *validation) ruleTests(docs []*manifest.Document) {
	features, _ := fake.ParseFeatures(v.features...) // checked
	seen := map[string]bool{}
	for _, d := range docs {
		if !ruletest.Is(d) || seen[d.File] {
			continue
		}
		seen[d.File] = true
		path := d.File
		if path == stdinName {
			path = stdinPath
		}
		f, err := ruletest.Load(path, d, features)
		v.errs = append(v.errs, err)
		if err != nil {
			v.wrong[d.File] = true
			continue
		}
		v.tests[d.File] = true
		v.valid[d.File] = len(f.Tests)
		for _, n := range f.Notes {
			v.note("%s", n)
		}
	}
}

var scenarioGroup = scenario.APIVersion[:strings.IndexByte(scenario.APIVersion, '/')+1]

// manifests checks documents that stand outside scenarios.
func (v *validation) manifests(docs []*manifest.Document) {
	set, err := manifest.CollectIn(v.options.Namespace, docs)
	v.errs = append(v.errs, err)
	v.count(set)
	v.errs = append(v.errs, v.checkSet(set))
}

// checkSet converts what is foreign and checks all.
func (v *validation) checkSet(set *manifest.Set) error {
	notes, err := v.adoptAll(set, v.options)
	for _, n := range notes {
		v.note("%s", n)
	}
	v.noteTypes(set)
	v.warnOfRivals(set)
	return manifest.Join(err, sim.CheckSet(set, v.features...))
}

// warnOfRivals names autoscalers that are valid and yet will not act.
func (v *validation) warnOfRivals(set *manifest.Set) {
	autoscalers, _ := sim.Resolve(set, "", fake.FeatureNames()...) // its errors are for CheckSet
	for _, r := range sim.Rivals(autoscalers) {
		v.note("warning: %s", r)
	}
}

// noteTypes tells of node groups whose provider has to come from somebody else.
func (v *validation) noteTypes(set *manifest.Set) {
	own := []v1alpha1.NodeGroupType{v1alpha1.AWSEC2AutoScalingGroupType, v1alpha1.AWSEKSNodeGroupType}
	for _, e := range set.NodeGroups {
		if kind := e.Object.Spec.Type; kind != "" && !slices.Contains(own, kind) {
			v.note("%s: spec.type: karpenter's own controller has no provider %q, and would hold; it has %s, %s", e.Doc.Locate("spec.type"), kind, own[0], own[1])
		}
	}
}

// count adds the objects of a set to those of their files. A document that a
// scenario refers to and the call names as well is one.
func (v *validation) count(set *manifest.Set) {
	var docs []*manifest.Document
	for i := range set.Autoscalers {
		docs = append(docs, set.Autoscalers[i].Doc)
	}
	for i := range set.Producers {
		docs = append(docs, set.Producers[i].Doc)
	}
	for i := range set.NodeGroups {
		docs = append(docs, set.NodeGroups[i].Doc)
	}
	for i := range set.Foreign {
		docs = append(docs, set.Foreign[i].Doc)
	}
	for _, d := range docs {
		if !v.seen[d.Position()] {
			v.seen[d.Position()] = true
			v.valid[d.File]++
		}
	}
}

// scenario checks a file as simulate would before it runs it.
func (v *validation) scenario(ctx context.Context, path string) error {
	if path == stdinName {
		path = stdinPath
	}
	file, err := scenario.Load(path, scenario.Options{Stdin: bytes.NewReader(v.stdin), EnableFeatures: v.features})
	if err != nil {
		v.errs = append(v.errs, err)
		return nil
	}
	v.valid[file.Doc.File]++
	v.count(file.Manifests)
	job, err := runs.Prepare(ctx, file, runs.Options{Queries: v.options.Queries})
	if job != nil {
		v.errs = append(v.errs, job.LeftOut)
		for _, n := range file.Metadata.Notes() {
			v.note("%s", n)
		}
		v.noteTypes(file.Manifests)
		err = errors.Join(job.CheckStart(ctx), job.Close())
		for _, n := range job.Input.Notes {
			v.note("%s", n)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	v.warnOfRivals(file.Manifests)
	if err != nil {
		// What is wrong may stand in another file, such as a recording.
		v.wrong[file.Doc.File] = true
		v.errs = append(v.errs, err)
	}
	return nil
}

// invalidField is an error in -o json and yaml.
type invalidField struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// validFile is a file without errors.
type validFile struct {
	File    string `json:"file"`
	Objects int    `json:"objects"`
}

// tell prints the result: a line for each valid file, and every error.
func (v *validation) tell(format string) error {
	var errs manifest.Errors
	errors.As(manifest.Join(v.errs...), &errs)
	for _, e := range errs {
		v.wrong[e.Position.File] = true
	}
	result := struct {
		Valid  []validFile    `json:"valid"`
		Errors []invalidField `json:"errors"`
	}{[]validFile{}, []invalidField{}}
	total := 0
	for _, file := range v.files {
		if n := v.valid[file]; n > 0 && !v.wrong[file] {
			result.Valid = append(result.Valid, validFile{file, n})
			total += n
		}
	}
	for _, e := range errs {
		p := e.Position
		result.Errors = append(result.Errors, invalidField{p.File, p.Line, p.Column, e.Field, e.Message})
	}
	if format != tableFormat {
		if err := v.encode(format, result); err != nil {
			return err
		}
	} else {
		for _, f := range result.Valid {
			noun := "object"
			if v.tests[f.File] {
				noun = "rule test"
			}
			fmt.Fprintf(v.stdout, "%s: %s valid\n", escape.Inline(f.File), counted(f.Objects, noun))
		}
	}
	v.annotateErrors(errs)
	switch {
	case len(errs) > 0 && format != tableFormat:
		return errReported
	case len(errs) > 0:
		v.printErrors(errs)
		return errReported
	case total == 0:
		return errors.New("nothing to validate: no object of a known kind in the files")
	}
	return nil
}

// printErrors prints the first mistakes of each file, and how many more it has.
func (v *validation) printErrors(errs manifest.Errors) {
	for len(errs) > 0 {
		file := errs[0].Position.File
		end := slices.IndexFunc(errs, func(e *manifest.Error) bool { return e.Position.File != file })
		if end < 0 {
			end = len(errs)
		}
		for _, e := range errs[:min(end, limit.Listed)] {
			fmt.Fprintln(v.stderr, e)
		}
		if more := end - limit.Listed; more > 0 {
			fmt.Fprintf(v.stderr, "%s: and %s\n", escape.Inline(file), counted(more, "more mistake"))
		}
		errs = errs[end:]
	}
}
