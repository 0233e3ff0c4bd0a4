// Command manifests writes what installs the controller: one file for kubectl
// and a Helm chart, both from the chart in cmd/controller/charts.
//
//	go run ./cmd/controller/manifests --provider aws --version v0.1.0
//
// writes releases/aws/v0.1.0.yaml (v0.1.0-dry-run.yaml with --dry-run) and
// releases/aws/karpenter-autoscaling-0.1.0.tgz. The same call writes the same
// bytes.
package main
