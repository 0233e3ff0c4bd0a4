package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/pods"
)

func (a *app) journalCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "journal",
		Short: "Bring the journal of a running controller here",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.journalFetchCommand())
	return c
}

type fetchFlags struct {
	out, since, zone, selector, format string
	server                             clusterFlags
}

func (a *app) journalFetchCommand() *cobra.Command {
	var flags fetchFlags
	c := &cobra.Command{
		Use:   "fetch --out DIR",
		Short: "Copy journal files out of the controller's pods, through the API server",
		Long: `Fetch copies the journal files of all pods of the controller into a directory,
for verify, explain and compare. The bytes come through the API server, as with
kubectl port-forward: nothing has to be exposed, and nothing runs in the pod.
It needs the rights to get and list pods and to get and create pods/portforward;
the Role karpenter-autoscaling-journal of a release has them.

Called again, it brings only what is new: further files, the further lines of one
that grew. The file being written ends wherever it was read; a torn last line is
no error.`,
		Example: `  karpenter journal fetch --out journal
  karpenter journal fetch --context production --since 36h --out journal
  karpenter verify journal && karpenter explain journal shop/ha/web`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.journalFetch(c.Context(), &flags) },
	}
	f := c.Flags()
	f.StringVar(&flags.out, "out", "", "directory that gets the files (required)")
	f.StringVar(&flags.since, "since", "", "only files written to since then: 36h, or a time, of day or week the last one (default: all)")
	f.StringVar(&flags.zone, "tz", "UTC", "time zone to read --since in")
	f.StringVarP(&flags.selector, "selector", "l", controllerSelector, "labels of the controller's pods")
	addFormat(c, &flags.format)
	flags.server.add(f)
	return c
}

func (a *app) journalFetch(ctx context.Context, flags *fetchFlags) error {
	if err := checkFormat(flags.format); err != nil {
		return err
	}
	if flags.out == "" {
		return errors.New("--out is required: the directory that gets the journal's files")
	}
	since, err := flags.sinceTime(time.Now())
	if err != nil {
		return err
	}
	config, err := flags.server.config()
	if err != nil {
		return err
	}
	client, err := pods.New(config)
	if err != nil {
		return err
	}
	running, err := controllerPods(ctx, client, flags.server.namespace(), flags.selector)
	if err != nil {
		return err
	}
	d, err := openFetched(flags.out)
	if err != nil {
		return err
	}
	defer d.Close()
	var errs []error
	for _, pod := range running {
		a.notePod(&pod)
		if err := a.fetchPod(ctx, client, &pod, d, since); err != nil {
			errs = append(errs, fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err))
		}
	}
	if len(errs) == 0 {
		// Pods that have written nothing yet are no failure: the directory is there.
		if err := d.Claim(); err != nil {
			return internal(inOutput(flags.out, err))
		}
	}
	if err := a.showFetched(d, flags.format); err != nil {
		return err
	}
	return errors.Join(errs...)
}

// sinceTime is the instant that --since means, zero without one. A duration
// counts back from now, with or without the minus sign.
func (f *fetchFlags) sinceTime(now time.Time) (time.Time, error) {
	if f.since == "" {
		return time.Time{}, nil
	}
	zone, err := parseZone(f.zone)
	if err != nil {
		return time.Time{}, err
	}
	if d, err := model.ParseDuration(strings.TrimPrefix(f.since, "-")); err == nil {
		return now.Add(-time.Duration(d)), nil
	}
	if d, ok := parseDaytime(f.since); ok {
		// Of several, the last one.
		if found := d.candidates(zone, now.AddDate(0, 0, -7), now); len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	t, err := parseTime(f.since, zone, now.AddDate(0, 0, -7), now)
	if err != nil {
		return time.Time{}, fmt.Errorf("--since %w", err)
	}
	return t, nil
}

// showFetched prints what was brought.
func (a *app) showFetched(d *fetchedDirectory, format string) error {
	if format != tableFormat {
		return a.encode(format, d.files)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tPOD\tSTATE\tSIZE\tFETCHED")
	changed, bytes := 0, int64(0)
	for _, f := range d.files {
		if f.State == fileUnchanged {
			continue
		}
		changed++
		bytes += f.Fetched
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.File, f.Pod, f.State, bytesText(f.Size), bytesText(f.Fetched))
	}
	if changed > 0 {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	a.note("%s in %s: %s brought (%s), %d unchanged", counted(len(d.files), "file"), d.path, counted(changed, "file"), bytesText(bytes), len(d.files)-changed)
	return nil
}
