package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // zones must not depend on the machine

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/sim"
)

// Exit codes; the higher wins.
const (
	exitOK             = 0
	exitFailed         = 1
	exitInvalid        = 2
	exitNondeterminism = 3
	exitInternal       = 4
	exitInterrupted    = 130
)

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit.Memory)
	}
	klog.SetLogger(logr.Discard()) // what fails in Kubernetes' libraries comes as an error
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends what does not heed the first
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	args, name := plugin(os.Args[0], os.Args[1:])
	a.program = name
	os.Exit(a.run(ctx, args))
}

// An app is one call of the program.
type app struct {
	stdin io.Reader
	// stdout and stderr take plain text of any origin.
	stdout, stderr io.Writer
	quiet          bool
	args           []string
	program        string // how usage names the program, if not by its own name
	// conversions are of the objects of other autoscalers that the call has read;
	// partial says that one is missing from its result.
	conversions []sim.Conversion
	partial     bool
}

// A statusError ends the call with an exit code. An empty message has been
// said already.
type statusError struct {
	code int
	err  error
}

func (e *statusError) Error() string { return e.err.Error() }

func (e *statusError) Unwrap() error { return e.err }

func failed(format string, args ...any) error {
	return &statusError{exitFailed, fmt.Errorf(format, args...)}
}

func internal(err error) error { return sim.Internal(err) }

// errReported says that stdout or stderr already tells what failed.
var errReported = errors.New("")

// run executes one command line and returns the exit code. What is not marked
// otherwise is the caller's mistake.
func (a *app) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(a.stderr, "karpenter: internal error: %v\n", r)
			code = exitInternal
		}
	}()
	a.args = args
	actions := os.Getenv("GITHUB_ACTIONS") == "true"
	stdout, stderr := escape.NewLog(a.stdout, actions), escape.NewLog(a.stderr, actions)
	a.stdout, a.stderr = stdout, stderr
	defer func() {
		if err := errors.Join(stdout.Close(), stderr.Close()); err != nil && code == exitOK {
			code = exitInternal
		}
	}()
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	refuseShells(root)
	err := root.ExecuteContext(ctx)
	if err == nil && a.partial {
		return exitFailed
	}
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(a.stderr, "karpenter: interrupted")
		return exitInterrupted
	}
	code = exitInvalid
	var status *statusError
	var internal *sim.InternalError
	var difference *runs.Difference
	switch {
	case errors.As(err, &status):
		code = status.code
	case errors.As(err, &difference):
		code = exitNondeterminism
	case errors.As(err, &internal):
		code = exitInternal
	}
	if !errors.Is(err, errReported) {
		a.say(err)
	}
	return code
}

// say prints an error.
func (a *app) say(err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(a.stderr, "karpenter: %s\n", escape.Inline(strings.TrimRight(line, "\n")))
	}
	a.annotateErrors(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "karpenter",
		Short: "Replay, simulate and explain metrics-driven autoscaling",
		Long: `Karpenter decides replicas from Prometheus queries. This program runs the very
engine of the controller over recorded or synthetic metrics, without a cluster:
what would it have decided, why, and what would that have cost.`,
		Example: `  karpenter replay -f policies/ --recording metrics.csv --out out
  karpenter simulate scenarios/ --out out
  karpenter explain out/flash-crowd/decisions.jsonl default/ha/web --at 08:10`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			hint := "see 'karpenter --help'"
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				hint = fmt.Sprintf("did you mean %q?", near[0])
			}
			return fmt.Errorf("unknown command %q; %s", args[0], hint)
		},
	}
	if a.program != "" {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: a.program}
	}
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no notes on stderr")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see '%s --help'", flagError(err), c.CommandPath())
	})
	root.AddCommand(
		a.replayCommand(), a.simulateCommand(), a.planCommand(), a.auditCommand(), a.initCommand(), a.recordCommand(), a.recordingsCommand(), a.tryCommand(), a.journalCommand(), a.verifyCommand(), a.explainCommand(),
		a.compareCommand(), a.tuneCommand(), a.convertCommand(), a.validateCommand(), a.reportCommand(), a.scheduleCommand(), a.versionCommand(),
	)
	root.AddCommand(a.serveCommand(), a.referenceCommand())
	return root
}

// refuseShells has completion refuse a shell that it does not know. Its command
// takes stdout as it is now.
func refuseShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args = noArgs
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}

// note says something on stderr that is no error.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintln(a.stderr, escape.Inline(fmt.Sprintf(format, args...)))
	}
}
