package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

func (a *app) convertCommand() *cobra.Command {
	var paths, metrics, assignments []string
	var options convert.Options
	c := &cobra.Command{
		Use:   "convert [-f] FILE|DIR|- ...",
		Short: "Convert HorizontalPodAutoscalers and KEDA ScaledObjects",
		Long: `Convert turns HorizontalPodAutoscalers (autoscaling/v1, v2) and ScaledObjects
(prometheus and cron triggers) into this project's manifests on stdout, and says
on stderr, field by field, what decides differently or is lost. Objects of this
project's kinds pass through. --set changes fields of the result.`,
		Example: `  kubectl get hpa web -o yaml | karpenter convert -f -
  karpenter convert -f hpa.yaml --set spec.dryRun=true
  karpenter convert -f hpa.yaml --metric queue_length='sum(queue_length{queue="jobs"})'`,
		RunE: func(_ *cobra.Command, args []string) error {
			paths = append(paths, args...)
			if len(paths) == 0 {
				return errors.New("nothing to convert: give files, directories or - with -f")
			}
			given, err := parseMetrics(metrics)
			if err != nil {
				return err
			}
			if window, err := model.ParseDuration(options.RateWindow); err != nil || window == 0 {
				return fmt.Errorf("--rate-window %s: want a duration above 0s such as 2m", options.RateWindow)
			}
			options.Queries, options.Asked = given.queries, given.asked
			return a.convert(paths, assignments, options, given)
		},
	}
	flags := c.Flags()
	flags.StringArrayVarP(&paths, "filename", "f", nil, "manifests: file, directory or - (repeatable)")
	flags.StringArrayVar(&metrics, "metric", nil, "the PromQL of a Pods, Object or External metric: NAME=PROMQL (repeatable)")
	flags.StringArrayVar(&assignments, "set", nil, "change fields of the result: [[NS/]KIND/NAME:]PATH=VALUE[,PATH=VALUE], without an object those of every HorizontalAutoscaler (repeatable)")
	flags.StringVar(&options.RateWindow, "rate-window", "2m", "range over which cpu usage is averaged")
	flags.StringVar(&options.PrometheusURL, "prometheus", "", "URL of the Prometheus that the controller queries; triggers that name another one are noted")
	return c
}

func (a *app) convert(paths, assignments []string, options convert.Options, given *metricQueries) error {
	docs, err := manifest.Read(paths, a.stdin)
	if err != nil {
		return err
	}
	set, err := manifest.Collect(docs)
	if err != nil {
		return err
	}
	a.noteSkipped(set)
	objects := own(set)
	if len(set.Foreign) == 0 {
		return errors.New("nothing to convert: no HorizontalPodAutoscaler or ScaledObject in the files")
	}
	var notes []convert.Note
	var errs []error
	for _, f := range set.Foreign {
		converted, more, err := sim.Convert(&f, options)
		notes, errs = append(notes, more...), append(errs, err)
		objects[f.Doc] = converted
	}
	if err := manifest.Join(errs...); err != nil {
		return err
	}
	if err := given.unused(); err != nil {
		return err
	}
	for _, n := range notes {
		a.note("%s", n)
	}
	text, err := render(docs, objects)
	if err != nil {
		return internal(err)
	}
	text, err = checkConverted(text, assignments)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(text)
	return err
}

// own are the objects of this project's kinds by their documents.
func own(set *manifest.Set) map[*manifest.Document][]runtime.Object {
	objects := map[*manifest.Document][]runtime.Object{}
	for _, e := range set.Autoscalers {
		objects[e.Doc] = []runtime.Object{e.Object}
	}
	for _, e := range set.Producers {
		objects[e.Doc] = []runtime.Object{e.Object}
	}
	for _, e := range set.NodeGroups {
		objects[e.Doc] = []runtime.Object{e.Object}
	}
	return objects
}

// render writes the objects as YAML documents in the order of the input.
func render(docs []*manifest.Document, objects map[*manifest.Document][]runtime.Object) ([]byte, error) {
	var b bytes.Buffer
	for _, d := range docs {
		for _, o := range objects[d] {
			text, err := manifest.MarshalObject(o)
			if err != nil {
				return nil, err
			}
			if b.Len() > 0 {
				b.WriteString("---\n")
			}
			b.Write(text)
		}
	}
	return b.Bytes(), nil
}

// checkConverted makes the assignments of --set, and refuses output that validate
// would refuse, such as two objects of one name.
func checkConverted(text []byte, assignments []string) ([]byte, error) {
	docs, err := manifest.Parse("the converted manifests", text)
	if err != nil {
		return nil, internal(err)
	}
	set, err := manifest.Collect(docs)
	if err == nil {
		err = checkKinds(set)
	}
	if err == nil && len(assignments) > 0 {
		return assignConverted(set, docs, assignments)
	}
	if err != nil {
		return nil, fmt.Errorf("the result would be invalid; nothing was written\n%w", err)
	}
	return text, nil
}

// assignConverted renders the documents with the assignments made.
func assignConverted(set *manifest.Set, docs []*manifest.Document, assignments []string) ([]byte, error) {
	changed, err := set.Assign(assignments)
	if err == nil {
		err = checkKinds(changed)
	}
	if err != nil {
		return nil, fmt.Errorf("--set: %w", err)
	}
	objects := map[*manifest.Document][]runtime.Object{}
	for i, e := range set.Autoscalers {
		objects[e.Doc] = []runtime.Object{changed.Autoscalers[i].Object}
	}
	for i, e := range set.Producers {
		objects[e.Doc] = []runtime.Object{changed.Producers[i].Object}
	}
	for i, e := range set.NodeGroups {
		objects[e.Doc] = []runtime.Object{changed.NodeGroups[i].Object}
	}
	text, err := render(docs, objects)
	if err != nil {
		return nil, internal(err)
	}
	return text, nil
}
