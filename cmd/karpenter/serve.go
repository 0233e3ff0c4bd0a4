package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/cmd/karpenter/serve"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

type serveFlags struct {
	replayFlags
	listen string
	remote bool
	hosts  []string
	yes    bool
}

func (a *app) serveCommand() *cobra.Command {
	var flags serveFlags
	c := &cobra.Command{
		Use:   "serve DIR | SCENARIO.yaml | AUDIT.json | -f MANIFESTS --recording SRC ...",
		Short: "A local page: reports as they come, or a workbench that decides again as the policy changes",
		Long: `Serve shows a page on this machine. Of a directory that simulate, replay or tune wrote
it shows the reports, as runs finish. Of a scenario, or of replay's flags, it is a
workbench: the policy as text and its main numbers as fields, and beside them the report
of the run, which the same engine decides again at every change. The page offers the
manifest, and the scenario that gives the same decisions to simulate. Of what audit -o json
wrote it shows the ranking; given the audit's -f and --recording, each row opens a
workbench.

Below /api/v1/ it answers as a Prometheus that has the recorded and the simulated series
of all runs, with the labels run and column: for Grafana (a dashboard is at /grafana.json),
promtool and curl. The address #from=UNIX&to=UNIX opens a report at a time.

It listens on the loopback address only, unless --allow-remote is given, answers only to
an IP address, to localhost and to the names of --host, and writes nothing.`,
		Example: `  karpenter serve out
  karpenter serve -f ha.yaml --recording requests.csv
  karpenter serve scenarios/flash-crowd.yaml --listen 127.0.0.1:9000
  karpenter serve audit.json -f rendered.yaml --recording recordings/fortnight`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.serve(c.Context(), args, &flags) },
	}
	flags.replayFlags.add(c)
	c.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:8080", "address to listen on")
	c.Flags().BoolVar(&flags.remote, "allow-remote", false, "listen on an address that other machines reach; whoever reaches it sees the metrics")
	c.Flags().StringArrayVar(&flags.hosts, "host", nil, "name under which the page may be asked for, besides addresses and localhost (repeatable)")
	c.Flags().BoolVar(&flags.yes, "yes", false, "run however long it takes")
	return c
}

func (a *app) serve(ctx context.Context, args []string, f *serveFlags) error {
	if err := f.checkAddress(); err != nil {
		return err
	}
	handler, done, err := a.served(ctx, args, f)
	if err != nil {
		return err
	}
	defer done()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w; choose another port, or 0 for any", f.listen, unwrapped(err))
	}
	server := &http.Server{
		Handler:           serve.Guard(handler, f.hosts...),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	fmt.Fprintf(a.stdout, "http://%s/\n", listener.Addr())
	a.note("serving; Ctrl-C ends it")
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		return server.Close()
	}
	return nil
}

// unwrapped returns what the system says of a failed listen, without the address.
func unwrapped(err error) error {
	var operation *net.OpError
	if errors.As(err, &operation) {
		return operation.Err
	}
	return err
}

// checkAddress refuses an address that others reach unless that is meant.
func (f *serveFlags) checkAddress() error {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: want ADDRESS:PORT, e.g. 127.0.0.1:8080", f.listen)
	}
	address, err := netip.ParseAddr(host)
	if f.remote || host == "localhost" || err == nil && address.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen %s: other machines reach this address, and would see the metrics; --allow-remote lets them", f.listen)
}

// served returns what is shown, and what ends it.
func (a *app) served(ctx context.Context, args []string, f *serveFlags) (handler http.Handler, done func(), err error) {
	given := len(f.Manifests)+len(f.Recordings) > 0
	switch {
	case len(args) == 1 && isAudit(args[0]):
		return a.audits(ctx, args[0], f)
	case len(args) == 1 && given:
		return nil, nil, fmt.Errorf("%s and -f: a directory, a scenario, or manifests and recordings, not two of them", args[0])
	case len(args) == 0 && !given:
		return nil, nil, errors.New("nothing to show: want a directory with reports, a scenario, or -f and --recording; see 'karpenter serve --help'")
	case len(args) == 0:
		file, err := a.replayScenario(ctx, &f.replayFlags)
		if err != nil {
			return nil, nil, err
		}
		return a.workbench(ctx, file, f)
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		file, err := sim.Load(args[0])
		if err != nil {
			return nil, nil, err
		}
		return a.workbench(ctx, file, f)
	}
	if err := a.checkShown(args[0]); err != nil {
		return nil, nil, err
	}
	directory, err := serve.NewDirectory(args[0])
	if err != nil {
		return nil, nil, err
	}
	return directory, func() { directory.Close() }, nil
}

// checkShown refuses a directory without reports, and one with a damaged journal.
func (a *app) checkShown(dir string) error {
	if !output.Listed(dir, "index.html") {
		return fmt.Errorf("%s: no reports that simulate, replay or tune wrote (there is no %s that lists an index.html)", dir, output.Marker)
	}
	if err := output.Readable(dir); err != nil {
		return err
	}
	files, err := a.journals([]string{dir})
	if err != nil {
		return nil // none are needed: a search keeps no journals
	}
	for i := range files {
		if err := readVerified(&files[i], func(*journal.Line) error { return nil }); err != nil {
			return err // a page with figures that do not follow is no page
		}
	}
	return nil
}

// workbench is that of a scenario.
func (a *app) workbench(ctx context.Context, file *scenario.File, f *serveFlags) (http.Handler, func(), error) {
	j, err := runs.Prepare(ctx, file, runs.Options{Long: f.yes})
	if err != nil {
		return nil, nil, f.InFlags(err, file.Path)
	}
	end := func() { j.Close() }
	if !f.yes {
		if err := runs.CheckLength(j); err != nil {
			end()
			return nil, nil, err
		}
	}
	w, err := serve.NewWorkbench(ctx, j.Simulation, serve.Options{Version: version(), Fixes: j.AddFixes})
	if err != nil {
		end()
		return nil, nil, err
	}
	return w, func() { w.Close(); end() }, nil
}
