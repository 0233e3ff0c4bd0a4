package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/replay"
)

func (a *app) convertCommand() *cobra.Command {
	var paths, assignments []string
	var flags replay.Conversion
	var window, server, commits string
	c := &cobra.Command{
		Use:   "convert [-f] FILE|DIR|- ...",
		Short: "Convert HorizontalPodAutoscalers and KEDA ScaledObjects",
		Long: `Convert turns HorizontalPodAutoscalers (autoscaling/v1, v2,
v2beta1, v2beta2) and ScaledObjects
(keda.sh, keda.k8s.io) into this project's manifests on stdout, and says on
stderr, field by field, what decides differently or is lost. Objects of this
project's kinds pass through. An object that cannot be converted is left out,
and one of whose triggers or metrics one cannot be, unless --allow-loss says that
this one may go. Exit code: 0 if nothing is left out, 1 if the rest was
converted, 2 if nothing could be.

With --commits it writes the files of a GitOps repository as they are after each of the
two commits of a migration: with ours in dry run beside what is there, and ours alone.`,
		Example: `  kubectl get hpa web -o yaml | karpenter convert -f -
  karpenter convert -f hpa.yaml --metric queue_length='sum(queue_length{queue="jobs"})'
  karpenter convert -f so.yaml --set spec.dryRun=true | kubectl apply -f -
  karpenter convert -f deploy/ --commits migration`,
		RunE: func(_ *cobra.Command, args []string) error {
			paths = append(paths, args...)
			if len(paths) == 0 {
				return errors.New("nothing to convert: give files, directories or - with -f")
			}
			given, err := flags.Parse()
			if err != nil {
				return err
			}
			if d, err := model.ParseDuration(window); err != nil || d == 0 {
				return fmt.Errorf("--rate-window %s: want a duration above 0s such as 2m", window)
			}
			options := given.Options()
			options.RateWindow, options.PrometheusURL = window, server
			return a.convert(paths, options, given, assignments, commits)
		},
	}
	c.Flags().StringArrayVarP(&paths, "filename", "f", nil, "manifests: file, directory or - (repeatable)")
	addConversion(c.Flags(), &flags)
	c.Flags().StringArrayVar(&assignments, "set", nil, "change the result: PATH=VALUE[,PATH=VALUE] of every HorizontalAutoscaler, or after [NAMESPACE/]KIND/NAME: of one object (repeatable)")
	c.Flags().StringVar(&window, "rate-window", "2m", "range over which cpu usage is averaged")
	c.Flags().StringVar(&commits, "commits", "", "write the files as they are after each of two commits, in which ours come and what is there goes, to this directory instead of stdout")
	c.Flags().StringVar(&server, "prometheus", "", "URL of the Prometheus that the controller queries; triggers that name another one are noted")
	return c
}

func (a *app) convert(paths []string, options convert.Options, given *replay.Queries, assignments []string, commits string) error {
	docs, readErr := manifest.Read(paths, a.stdin)
	set, collectErr := manifest.CollectIn(options.Namespace, docs)
	if err := manifest.Join(readErr, collectErr); err != nil {
		// All mistakes at once.
		return manifest.Join(err, sim.LeftOut(sim.Adopt(set, options)), sim.CheckSet(set, given.Features...))
	}
	empty := len(set.Foreign)+len(set.Autoscalers)+len(set.Producers)+len(set.NodeGroups) == 0
	a.noteSkipped(set)
	if empty {
		return errors.New("nothing to convert: no HorizontalPodAutoscaler, ScaledObject or object of this project's kinds in the files")
	}
	a.noteNamespace(set, options)
	foreign := set.Foreign
	a.conversions = sim.Adopt(set, options)
	if err := given.Unused(); err != nil {
		return err
	}
	leftOut := sim.LeftOut(a.conversions)
	if len(set.Autoscalers)+len(set.Producers)+len(set.NodeGroups) == 0 && leftOut != nil {
		a.sayEach(leftOut)
		a.tellConversions()
		return errReported
	}
	if err := twice(set); err != nil {
		return manifest.Join(leftOut, err)
	}
	out, err := set.Assign(assignments)
	if err == nil {
		err = sim.CheckSet(out, given.Features...)
	}
	if err != nil {
		return manifest.Join(leftOut, fmt.Errorf("nothing is written: %w", err))
	}
	if commits != "" {
		err = a.writeCommits(commits, foreign, own(set, out))
	} else {
		err = a.writeManifests(docs, own(set, out))
	}
	if err != nil {
		return manifest.JoinAll(leftOut, err)
	}
	for _, c := range a.conversions {
		for _, n := range c.Notes {
			if len(c.Made) > 0 {
				a.note("%s", n)
			}
		}
	}
	a.leaveOut(leftOut)
	a.tellConversions()
	return nil
}

func (a *app) writeManifests(docs []*manifest.Document, objects map[*manifest.Document][]runtime.Object) error {
	text, err := render(docs, objects)
	if err != nil {
		return internal(err)
	}
	return a.writeYAML(text)
}

// twice refuses a set in which an object of ours and a converted one have the same
// name: only one of them could be applied.
func twice(set *manifest.Set) error {
	var errs []error
	seen := map[string]*manifest.Document{}
	one := func(kind string, o metav1.Object, d *manifest.Document) {
		id := fmt.Sprintf("%s/%s/%s", o.GetNamespace(), kind, o.GetName())
		if first := seen[id]; first != nil {
			errs = append(errs, d.Errorf("metadata.name", "%s is defined twice; the first is at %s", id, first.Locate("metadata.name")))
			return
		}
		seen[id] = d
	}
	for _, e := range set.Autoscalers {
		one("HorizontalAutoscaler", e.Object, e.Doc)
	}
	for _, e := range set.Producers {
		one("MetricsProducer", e.Object, e.Doc)
	}
	return manifest.Join(errs...)
}

// own are the objects of this project's kinds by their documents, as they are in
// a set with the same objects.
func own(set, as *manifest.Set) map[*manifest.Document][]runtime.Object {
	objects := map[*manifest.Document][]runtime.Object{}
	for i, e := range set.Autoscalers {
		objects[e.Doc.Written()] = append(objects[e.Doc.Written()], as.Autoscalers[i].Object)
	}
	for i, e := range set.Producers {
		objects[e.Doc.Written()] = append(objects[e.Doc.Written()], as.Producers[i].Object)
	}
	for i, e := range set.NodeGroups {
		objects[e.Doc.Written()] = append(objects[e.Doc.Written()], as.NodeGroups[i].Object)
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
