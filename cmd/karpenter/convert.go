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
project's kinds pass through.`,
		Example: `  kubectl get hpa web -o yaml | karpenter convert -f -
  karpenter convert -f hpa.yaml --metric queue_length='sum(queue_length{queue="jobs"})'
  karpenter convert -f so.yaml --set spec.dryRun=true | kubectl apply -f -`,
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
			return a.convert(paths, options, given, assignments)
		},
	}
	flags := c.Flags()
	flags.StringArrayVarP(&paths, "filename", "f", nil, "manifests: file, directory or - (repeatable)")
	flags.StringArrayVar(&metrics, "metric", nil, "the PromQL of a Pods, Object or External metric: NAME=PROMQL (repeatable)")
	flags.StringArrayVar(&assignments, "set", nil, "change the result: PATH=VALUE[,PATH=VALUE] of every HorizontalAutoscaler, or after [NAMESPACE/]KIND/NAME: of one object (repeatable)")
	flags.StringVar(&options.RateWindow, "rate-window", "2m", "range over which cpu usage is averaged")
	flags.StringVar(&options.PrometheusURL, "prometheus", "", "URL of the Prometheus that the controller queries; triggers that name another one are noted")
	return c
}

func (a *app) convert(paths []string, options convert.Options, given *metricQueries, assignments []string) error {
	docs, err := manifest.Read(paths, a.stdin)
	if err != nil {
		return err
	}
	set, err := manifest.Collect(docs)
	if err != nil {
		return err
	}
	a.noteSkipped(set)
	objects := own(set, set)
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
	text, err := render(docs, objects)
	if err != nil {
		return internal(err)
	}
	if text, err = changed(text, assignments); err != nil {
		return err
	}
	for _, n := range notes {
		a.note("%s", n)
	}
	_, err = a.stdout.Write(text)
	return err
}

// own are the objects of this project's kinds by their documents, as they are in
// a set with the same objects.
func own(set, as *manifest.Set) map[*manifest.Document][]runtime.Object {
	objects := map[*manifest.Document][]runtime.Object{}
	for i, e := range set.Autoscalers {
		objects[e.Doc] = []runtime.Object{as.Autoscalers[i].Object}
	}
	for i, e := range set.Producers {
		objects[e.Doc] = []runtime.Object{as.Producers[i].Object}
	}
	for i, e := range set.NodeGroups {
		objects[e.Doc] = []runtime.Object{as.NodeGroups[i].Object}
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

// changed makes assignments in converted manifests. It refuses results that
// validate would refuse, such as two objects of one name.
func changed(text []byte, assignments []string) ([]byte, error) {
	docs, err := manifest.Parse("the converted manifests", text)
	if err != nil {
		return nil, internal(err)
	}
	set, err := manifest.Collect(docs)
	if err != nil {
		return nil, unfit(err)
	}
	if len(assignments) == 0 {
		return text, unfit(checkKinds(set))
	}
	out, err := set.Assign(assignments)
	if err != nil {
		return nil, err
	}
	if err := checkKinds(out); err != nil {
		return nil, unfit(err)
	}
	return render(docs, own(set, out))
}

// unfit says that converted manifests would be refused.
func unfit(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the result would be invalid; nothing was written\n%w", err)
}
