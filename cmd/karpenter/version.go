package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// release is set when a release is built: -ldflags "-X main.release=v0.1.0".
var release = "dev"

// version returns what reports state. It must not depend on the build's place or
// time, or the same run would give other bytes.
func version() string { return release }

func (a *app) versionCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			v := versionInfo{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if format != tableFormat {
				return a.encode(format, v)
			}
			fmt.Fprintf(a.stdout, "karpenter %s %s %s\n", v.Version, v.Go, v.Platform)
			return nil
		},
	}
	addFormat(c, &format)
	return c
}

type versionInfo struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}
