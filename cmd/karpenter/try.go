package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// An attempt is a replay in which everything is guessed that no flag gives.
type attempt struct {
	*app
	replayFlags
	run      runFlags
	from, to string
	server   serverFlags
	cluster  clusterFlags
	// given reports whether the command line has a flag.
	given func(flag string) bool
	// guessed are the flags that were guessed, as a shell reads them.
	guessed []string
}

func (a *app) tryCommand() *cobra.Command {
	t := &attempt{app: a}
	c := &cobra.Command{
		Use:   "try -f FILE METRICS... | try KIND/NAME -n NS --context C --prometheus URL --from T --to T",
		Short: "Replay with everything guessed that can be; each guess is a line with the flag that overrides it",
		Long: `Try replays manifests over files of metrics, or an object of a cluster over what its
Prometheus has, with as few words as possible: the output directory, the PromQL of
metrics, the recorded replicas, names and times are guessed where no flag says them.
Every guess is a line with the flag that overrides it; the last lines are what came of
it in a sentence, and the report's path. All flags of replay are taken.`,
		Example: `  karpenter try -f hpa.yaml metrics.csv
  karpenter try hpa/checkout -n shop --context eu1 --prometheus http://prometheus:9090 --from 'Sat 19:30' --to 'Sat 22:00'`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			t.given = c.Flags().Changed
			if err := checkFormat(t.run.format); err != nil {
				return err
			}
			return t.try(c.Context(), args)
		},
	}
	t.run.add(c)
	c.Flags().Lookup("out").Usage = "directory to write reports and journals to (default: guessed)"
	t.replayFlags.add(c)
	for _, name := range []string{"filename", "recording"} {
		flag := c.Flags().Lookup(name)
		flag.Usage = strings.Replace(flag.Usage, ", required)", ")", 1)
	}
	c.Flags().StringVar(&t.from, "from", "", "of a cluster: first decision (default: a day before --to)")
	c.Flags().StringVar(&t.to, "to", "", "of a cluster: last decision (default: now)")
	t.server.add(c)
	t.cluster.addContext(c.Flags())
	return c
}

// guess says a guess, with the flag that says otherwise.
func (t *attempt) guess(flag, value, why string) {
	words := flag
	if value != "" {
		words += " " + quoteArgument(value)
	}
	t.guessed = append(t.guessed, words)
	t.note("guessed: %s  (%s)", words, why)
}

func (t *attempt) try(ctx context.Context, args []string) error {
	temporary, err := os.MkdirTemp("", "karpenter-")
	if err != nil {
		return internal(err)
	}
	defer os.RemoveAll(temporary)
	args = t.guessManifests(args)
	switch {
	case len(t.Manifests) > 0:
		t.Recordings = append(t.Recordings, args...)
		if len(t.Recordings) == 0 {
			return errors.New("no metrics: name the files that have them, e.g. karpenter try -f hpa.yaml metrics.csv")
		}
		for _, flag := range []string{"from", "to", "prometheus", "context"} {
			if t.given(flag) {
				return fmt.Errorf("--%s goes with an object of a cluster, such as hpa/checkout; files of metrics are replayed from their first to their last sample", flag)
			}
		}
	case len(args) == 1 && isObject(args[0]) && len(t.Recordings) == 0:
		if err := t.fromCluster(ctx, args[0]); err != nil {
			return err
		}
	case len(args) == 0:
		return errors.New("nothing to try: want -f FILE METRICS..., or KIND/NAME of a cluster with --prometheus URL")
	default:
		return fmt.Errorf("-f is missing: the manifest of the autoscaler to replay over %s", quoteArgument(args[0]))
	}
	if err := t.guessReplay(ctx, temporary); err != nil {
		return err
	}
	if err := t.guessOutput(); err != nil {
		return err
	}
	inputs := t.replayFlags.inputs()
	if err := checkOutput(t.run.out, output.Options{Kind: output.Reports}, inputs...); err != nil {
		return err
	}
	t.args = t.equivalent()
	file, err := t.replayScenario(ctx, &t.replayFlags)
	if err != nil {
		return err
	}
	t.note("the same as: %s", t.commandLine())
	session := t.newSession(t.run, inputs)
	session.Command, session.brief = file.Metadata.Annotations[scenario.CommandAnnotation], t.run.format == tableFormat
	return t.InFlags(session.run(ctx, []*scenario.File{file}), file.Path)
}

// guessManifests takes YAML files among the files of metrics for manifests, and returns
// the others.
func (t *attempt) guessManifests(args []string) []string {
	var others []string
	for _, arg := range args {
		if ext := filepath.Ext(arg); ext != ".yaml" && ext != ".yml" {
			others = append(others, arg)
			continue
		}
		t.Manifests = append(t.Manifests, arg)
		t.guess("-f", arg, "no metrics are in a file of this name")
	}
	return others
}

// isObject says whether an argument names an object of a cluster.
func isObject(text string) bool {
	kind, name, ok := strings.Cut(text, "/")
	if !ok || name == "" || strings.Contains(name, "/") {
		return false
	}
	_, err := os.Stat(text)
	return err != nil && clusterKind(kind) != ""
}

// equivalent are the arguments of the replay that the guesses make.
func (t *attempt) equivalent() []string {
	args := []string{"replay"}
	add := func(flag string, values ...string) {
		for _, v := range values {
			args = append(args, flag, v)
		}
	}
	some := func(flag, value, usual string) {
		if value != usual {
			add(flag, value)
		}
	}
	add("-f", t.Manifests...)
	add("--recording", t.Recordings...)
	add("--metric", t.Metrics...)
	some("--adapter-rules", t.AdapterRules, "")
	some("--namespace", t.Namespace, "")
	if t.AllowLoss {
		args = append(args, "--allow-loss")
	}
	add("--enable-feature", t.Features...)
	add("--series", t.Series...)
	some("--time-column", t.TimeColumn, "")
	some("--time-layout", t.TimeLayout, "")
	add("--replicas", t.Replicas...)
	add("--target", t.Targets...)
	add("--variant", t.Variants...)
	add("--label", t.Labels...)
	some("--name", t.Name, "")
	some("--tz", t.Zone, "UTC")
	some("--lookback", t.Lookback, "")
	some("--ready-after", t.ReadyAfter, "")
	some("--demand", t.Demand, "")
	for _, number := range []struct {
		flag  string
		value float64
		usual float64
	}{{"--capacity", t.Capacity, 0}, {"--scale", t.Scale, 1}, {"--saturation", t.Saturation, 0}} {
		some(number.flag, strconv.FormatFloat(number.value, 'g', -1, 64), strconv.FormatFloat(number.usual, 'g', -1, 64))
	}
	if t.OpenLoop {
		args = append(args, "--open-loop")
	}
	add("--out", t.run.out)
	return args
}

// guessOutput names a directory beside, which is new or that of an earlier attempt.
func (t *attempt) guessOutput() error {
	if t.run.out != "" {
		return nil
	}
	var first error
	for n := 1; n < 100; n++ {
		dir := "karpenter-try"
		if n > 1 {
			dir += "-" + strconv.Itoa(n)
		}
		err := checkOutput(dir, output.Options{Kind: output.Reports}, t.replayFlags.inputs()...)
		if err == nil {
			t.run.out = dir
			t.guess("--out", dir, "a directory of its own")
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// guessReplay guesses what replay would refuse to be without.
func (t *attempt) guessReplay(ctx context.Context, temporary string) error {
	recorded, err := t.describeAll(ctx, filepath.Join(temporary, "first"))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(recorded, func(d recording.Description) bool { return d.Series.Get("__name__") == "" }) {
		name := "value"
		if resources := t.resources(); len(resources) == 1 {
			name = resources[0]
		}
		t.Series = append(t.Series, "*="+name)
		t.guess("--series", "*="+name, "headers that are labels only need a name")
		if recorded, err = t.describeAll(ctx, filepath.Join(temporary, "second")); err != nil {
			return err
		}
	}
	return t.guessMetrics(recorded)
}

// describeAll reads all recordings. Of one with more series than are looked at it has
// none: nothing is guessed then, and replay says what is missing.
func (t *attempt) describeAll(ctx context.Context, dir string) ([]recording.Description, error) {
	location, err := parseZone(t.Zone)
	if err != nil {
		return nil, err
	}
	columns, err := t.Columns()
	if err != nil {
		return nil, err
	}
	wanted, err := recording.ParseLabels(t.Labels)
	if err != nil {
		return nil, fmt.Errorf("--label %w", err)
	}
	var all []recording.Description
	for i, path := range t.Recordings {
		rec, _, err := t.Open(ctx, path, location, columns, map[string]bool{}, func() (string, error) {
			below := filepath.Join(dir, strconv.Itoa(i))
			return below, os.MkdirAll(below, 0o700)
		})
		if err != nil {
			return nil, err
		}
		if err := narrowTo(wanted, rec, map[string]bool{}); err != nil {
			return nil, errors.Join(err, rec.Close())
		}
		held, err := rec.Describe(ctx, limit.DescribedSeries)
		if err := errors.Join(err, rec.Close()); err != nil {
			return nil, err
		}
		if held.More > 0 {
			t.app.note("%s: holds %d series; nothing is guessed of more than %d: select fewer by --label", path, len(held.Series)+held.More, limit.DescribedSeries)
			return nil, nil
		}
		all = append(all, held.Series...)
	}
	return all, nil
}
