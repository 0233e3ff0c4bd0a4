// Package policy compiles a spec into an immutable policy. It is the only home
// of defaults and of validation: what an absent field means is decided here,
// field by field, so that the API server, the controller, the simulator and
// `karpenter validate` cannot disagree.
package policy
