// Package limit has the bounds on everything that is read from files, flags and
// servers: with them, memory stays under half a GiB and time linear in the
// input, whatever the input is. An error names the limit that it is about, and
// scenarios/README.md lists them.
package limit

// Of text.
const (
	// Line is the length of a line of OpenMetrics, of a cell of a CSV and of a
	// string in JSON, in bytes.
	Line = 1 << 20
	// JournalLine is the length of a line of a decision journal, in bytes.
	JournalLine = 4 << 20
	// Row is the length of a row of a CSV, in bytes.
	Row = 64 << 20
	// Columns is the number of columns of a CSV.
	Columns = 200_000
	// Unpacked and UnpackedRatio bound what comes out of a gzipped file: that
	// many bytes, or that many times the file's size, whichever is more.
	Unpacked      = 256 << 20
	UnpackedRatio = 200
	// LabelBytes is the size of the labels of one series, names and values.
	LabelBytes = 64 << 10
	// Converted is the memory that the samples of an OpenMetrics, JSON or long CSV
	// file, or of one chunk of an answer, may take before they are a block, in bytes.
	Converted = 128 << 20
	// Answer is the length of one answer of a server, in bytes, StreamedAnswer
	// that of one that is read piece by piece.
	Answer         = 64 << 20
	StreamedAnswer = 1 << 30
)

// Of manifests and scenarios.
const (
	// Manifest is the length of a file, in bytes.
	Manifest = 64 << 20
	// ManifestItems is the number of keys and list items of a file, as far as
	// line ends and separators show it.
	ManifestItems = 2_000_000
	// RuleFile is the length of a file of rules or unit tests, in bytes.
	RuleFile = 16 << 20
	// Assignment, AssignmentDepth and AssignmentName are the length of a PATH=VALUE
	// list in bytes, the number of steps of a path, and the length of one.
	Assignment      = 1 << 20
	AssignmentDepth = 64
	AssignmentName  = 512
	// Listed is how many mistakes, names or other items a message lists before it
	// counts the rest.
	Listed = 10
)

// Of runs.
const (
	// Memory is the amount that the command line takes before it collects garbage more eagerly, in
	// bytes; a limit of the environment, GOMEMLIMIT, takes its place.
	Memory = 440 << 20
	// Samples is the number of samples that one evaluation of a query may hold,
	// Prometheus' own default, and the number of instants at which its subqueries
	// may be evaluated.
	Samples = 50_000_000
	// Series is the number of recorded series that the queries of one run read from
	// one recording: 100,000 take 308 MiB and 11 s, a million 2.2 GiB.
	Series = 150_000
	// DescribedSeries is the number of series of one recording that are described one by
	// one.
	DescribedSeries = 200_000
	// InputSamples is the number of samples of all input series of a scenario.
	InputSamples = 10_000_000
	// PublishedSamples is the number of samples of the runs that serve answers PromQL
	// over.
	PublishedSamples = 10_000_000
	// Evaluations is the number of slots times queries, in all columns, of a run
	// that starts without being asked: about an hour's work.
	Evaluations = 100_000_000
	// WhatIf is the number of slots that runs with a limit gone may have together
	// for what fixes would gain to be said without being asked: a few seconds' work.
	// It is a count and no time, so that output does not depend on the machine.
	WhatIf = 2_000_000
	// Pods is the number of pods of a workload, or of a target that starts as recorded, Nodes that of a node
	// group's nodes.
	Pods  = 30_000
	Nodes = 30_000
)
