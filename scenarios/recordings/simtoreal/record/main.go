// Command record plays policies against a real control plane and writes what
// happened, for package simtoreal to compare with what the simulator says. make
// sim-to-real runs it.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/karpenter-sim/karpenter/scenarios/recordings/simtoreal"
)

func main() {
	log.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "simtoreal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	out := flag.String("out", "out/sim-to-real", "directory of the recordings")
	programs := flag.String("controlplane", os.Getenv("CONTROLPLANE"), "what .ci/tools/build controlplane printed")
	record := flag.String("record", "decisions,predictions", "what to record anew: decisions, predictions, both, keda alone, or none")
	operator := flag.String("keda", "", "what .ci/tools/build keda printed")
	policies := flag.Int("policies", len(policies), "how many policies of each service predictions are recorded for")
	some := flag.String("kinds", "requests,utilization,large", "services that predictions are recorded of")
	loads := flag.String("shapes", "spike,waves,climb", "loads that predictions are recorded under; also stairs, surge, return, bursts, tide, ebb")
	seed := flag.Uint64("seed", 1, "seed of the times at which requests arrive")
	length := flag.Duration("decisions", 10*time.Minute, "how long decisions are recorded")
	flag.Parse()

	work, err := os.MkdirTemp("", "simtoreal")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if *record == "keda" {
		return within(ctx, *programs, func(ctx context.Context, p *plane) error { return recordKEDA(ctx, p, *operator, *out) })
	}
	karpenter, err := build(ctx, work)
	if err != nil {
		return err
	}
	decisions, predictions := filepath.Join(*out, "decisions"), filepath.Join(*out, "predictions")
	for _, part := range []struct {
		asked  bool
		record func(ctx context.Context, p *plane) error
	}{
		{*record == "decisions" || *record == "decisions,predictions", func(ctx context.Context, p *plane) error {
			return recordDecisions(ctx, p, decisions, *length, karpenter)
		}},
		{*record == "predictions" || *record == "decisions,predictions", func(ctx context.Context, p *plane) error {
			return recordPredictions(ctx, p, predictions, strings.Split(*loads, ","), strings.Split(*some, ","), *policies, *seed)
		}},
	} {
		if !part.asked {
			continue
		}
		if err := within(ctx, *programs, part.record); err != nil {
			return err
		}
	}
	return simtoreal.WriteTables(os.Stdout, *out, work, karpenter)
}

// within runs record with a control plane of its own.
func within(ctx context.Context, programs string, record func(ctx context.Context, p *plane) error) error {
	directory, err := os.MkdirTemp("", "plane")
	if err != nil {
		return err
	}
	began := time.Now()
	p, err := startPlane(ctx, directory, programs)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "control plane up after %s, logs in %s\n", time.Since(began).Round(time.Second), directory)
	defer p.stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the stop, for which an API server with watches open waits
	if err := record(ctx, p); err != nil {
		return fmt.Errorf("%w (logs in %s)", err, directory)
	}
	return os.RemoveAll(directory)
}

// build builds karpenter and returns how to run it.
func build(ctx context.Context, directory string) (simtoreal.Karpenter, error) {
	binary := filepath.Join(directory, "karpenter")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/karpenter").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build ./cmd/karpenter: %w\n%s", err, out)
	}
	return func(arguments ...string) (string, error) {
		var stdout, stderr bytes.Buffer
		command := exec.CommandContext(ctx, binary, arguments...)
		command.Stdout, command.Stderr = &stdout, &stderr
		if err := command.Run(); err != nil {
			return "", fmt.Errorf("karpenter %q: %w\n%s", arguments, err, stderr.String())
		}
		return stdout.String(), nil
	}, nil
}
