package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRun(t *testing.T) {
	cases := []struct {
		name, reason string
		args         []string
		want         []string
	}{
		{
			"Default", "without a provider there is no cloud", []string{"--version", "v0.1.0"},
			[]string{"none/v0.1.0.yaml", "none/karpenter-autoscaling-0.1.0.tgz", "none/karpenter-autoscaling-0.1.0.oci.tar"},
		},
		{
			"AWS", "each provider has its folder", []string{"--version", "v0.1.0-rc.1", "--provider", "aws"},
			[]string{"aws/v0.1.0-rc.1.yaml", "aws/karpenter-autoscaling-0.1.0-rc.1.tgz", "aws/karpenter-autoscaling-0.1.0-rc.1.oci.tar"},
		},
		{
			"DryRun", "a dry run must not replace the real release", []string{"--version", "v0.1.0", "--dry-run"},
			[]string{"none/v0.1.0-dry-run.yaml", "none/karpenter-autoscaling-0.1.0.tgz", "none/karpenter-autoscaling-0.1.0.oci.tar"},
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			out, again := t.TempDir(), t.TempDir()
			var stdout bytes.Buffer
			if err := run(append(tc.args, "--out", out), &stdout); err != nil {
				t.Fatal(err)
			}
			got := strings.Fields(strings.ReplaceAll(stdout.String(), out+"/", ""))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nrun(%q): files: -want, +got:\n%s", tc.reason, tc.args, diff)
			}
			if err := run(append(tc.args, "--out", again), io.Discard); err != nil {
				t.Fatal(err)
			}
			for _, file := range got {
				if !bytes.Equal(content(t, filepath.Join(out, file)), content(t, filepath.Join(again, file))) {
					t.Errorf("run(%q): %s: the same call wrote other bytes", tc.args, file)
				}
			}
		})
	}
}

func content(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestRunRefuses(t *testing.T) {
	cases := []struct {
		name, reason string
		args         []string
		want         string
	}{
		{"NoVersion", "a release has a version", nil, `version "": want a semantic version, as VERSION=v0.1.0`},
		{"Commit", "helm wants semantic versions", []string{"--version", "6516dd4-dirty"}, `version "6516dd4-dirty": want a semantic version, as VERSION=v0.1.0`},
		{"Provider", "there are two", []string{"--version", "v0.1.0", "--provider", "gcp"}, "chart values: provider should be one of [aws none]"},
		{"Argument", "there are only flags", []string{"--version", "v0.1.0", "aws"}, `unexpected argument "aws"`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			out := t.TempDir()
			err := run(append([]string{"--out", out}, tc.args...), io.Discard)
			if err == nil || err.Error() != tc.want {
				t.Errorf("%s\nrun(%q): got %v, want %s", tc.reason, tc.args, err, tc.want)
			}
			if entries, err := os.ReadDir(out); err != nil || len(entries) > 0 {
				t.Errorf("run(%q): left %v, %v", tc.args, entries, err)
			}
		})
	}
}
