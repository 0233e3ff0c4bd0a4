package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// A file of one of these names on the PATH is a plugin of kubectl: kubectl karpenter
// runs the first, its completion the second. Both may be links to this program.
const (
	pluginName     = "kubectl-karpenter"
	completionName = "kubectl_complete-karpenter"
)

// plugin returns the arguments of a call by the name that it was called by, and how
// usage shall name the program: empty for its own name.
func plugin(program string, args []string) (arguments []string, name string) {
	switch strings.TrimSuffix(filepath.Base(program), ".exe") {
	case pluginName:
		return args, "kubectl karpenter"
	case completionName:
		return append([]string{cobra.ShellCompRequestCmd}, args...), "kubectl karpenter"
	}
	return args, ""
}
