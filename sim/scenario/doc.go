// Package scenario reads and writes scenario files: the seed, the span of
// simulated time, the inputs, the targets and the expectations of a run, and
// where the manifests are that it runs.
//
// A file has one document of kind Scenario (types.go) and any number of
// manifests. Load reads one file, LoadAll the files of a whole call; both find
// everything that is wrong without running, with file, line, column and field:
// Parse what the document itself can tell, load.go what its files and
// manifests can. Defaults are filled in once, by Parse; nobody else has them.
//
// Write is the way back: for the same scenario it gives the same bytes, and
// Parse of them gives the same scenario.
package scenario
