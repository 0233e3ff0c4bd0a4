// Package manifest loads Kubernetes manifests from files, directories and
// standard input, as kubectl would, but offline and strictly.
//
// The three kinds of autoscaling.karpenter.sh are decoded: an unknown field, a
// key written twice or a value of the wrong type is an error that names the
// file, line, column and field. HorizontalPodAutoscalers and ScaledObjects are
// returned as JSON for conversion, Scenario documents as they are, and every
// other kind is skipped and counted.
//
// The steps are: Read splits the input into documents (read.go, parse.go);
// each document of interest is expanded to a tree without aliases, merge keys
// or YAML dialects (expand.go, scalar.go); the tree is checked against a Go
// type, every mistake at once (check.go); then it is decoded (decode.go) and
// collected (set.go). The tree stays attached to the object, so that findings
// of later stages can be located in the text as well (document.go,
// fielderrors.go).
package manifest
