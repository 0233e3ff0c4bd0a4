package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
)

// release is set when a release is built: -ldflags "-X main.release=v0.1.0".
var release = "dev"

// Exit codes.
const (
	exitFailed  = 1 // the controller could not run, or lost its leadership
	exitInvalid = 2 // wrong flags
)

// errUsage marks what is wrong with the command line.
var errUsage = errors.New("invalid flags")

func main() {
	if err := command().ExecuteContext(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintf(os.Stderr, "controller: %s\n", oneLine(err))
		if errors.Is(err, errUsage) {
			os.Exit(exitInvalid)
		}
		os.Exit(exitFailed)
	}
}

// oneLine returns what is wrong on one line; parsers of YAML take several.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func command() *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:     "controller",
		Short:   "Scale from PromQL, decide at slots, journal every decision",
		Version: release,
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.NoArgs(c, args); err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			return run(c.Context(), f)
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	f.add(c.Flags())
	return c
}

func run(ctx context.Context, f *flags) error {
	c, err := newController(ctx, f)
	if err != nil {
		return err
	}
	defer c.close()
	return c.manager.Start(ctx)
}
