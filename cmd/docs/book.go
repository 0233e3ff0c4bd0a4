package main

// A chapter is a part of the book; its pages stand in the order in which they
// are read.
type chapter struct {
	title string
	pages []source
}

// A source is where a page comes from: a Markdown file of the repository, or
// the code, by write.
type source struct {
	file  string
	title string // empty: the file's first heading
	write func(root string) (string, error)
}

// book is the table of contents.
var book = []chapter{
	{"Begin", []source{
		{file: "cmd/docs/README.md", title: "What this is"},
		{file: "cmd/docs/tutorial.md"},
	}},
	{"How to", []source{
		{file: "cmd/docs/howto/incident.md"},
		{file: "cmd/docs/howto/workbench.md"},
		{file: "cmd/docs/howto/ci.md"},
		{file: "cmd/docs/howto/fleet.md"},
		{file: "cmd/docs/howto/tune.md"},
		{file: "cmd/docs/howto/season.md"},
		{file: "cmd/docs/howto/install.md"},
		{file: "cmd/docs/howto/from-hpa.md"},
		{file: "cmd/docs/howto/from-keda.md"},
		{file: "cmd/docs/howto/gitops.md"},
		{file: "cmd/docs/howto/node-groups.md"},
		{file: "cmd/docs/howto/tenants.md"},
		{file: "cmd/docs/howto/clusters.md"},
		{file: "cmd/docs/howto/beside-karpenter.md"},
		{file: "cmd/docs/runbooks.md"},
	}},
	{"Reference", []source{
		{file: "cmd/docs/reference/commands.md", title: "Commands", write: commands},
		{file: "cmd/docs/reference/kinds.md", title: "The kinds, field by field", write: kinds},
		{file: "scenarios/README.md", title: "Scenarios, figures, causes"},
		{file: "cmd/docs/reference/scenario.md", title: "The scenario file, field by field", write: scenarioFile},
		{file: "cmd/docs/reference/series.md", title: "Series", write: series},
		{file: "cmd/docs/reference/figures.md", title: "Figures", write: figures},
		{file: "cmd/docs/reference/causes.md", title: "Causes", write: causes},
		{file: "cmd/docs/reference/limits.md", title: "Limits", write: limits},
		{file: "cmd/docs/reference/record.md"},
		{file: "cmd/docs/reference/output.md"},
		{file: "cmd/docs/reference/exit-codes.md"},
		{file: "providers/README.md", title: "Providers"},
		{file: "providers/aws/README.md", title: "AWS"},
	}},
	{"Explanation", []source{
		{file: "cmd/docs/explanation/slots.md"},
		{file: "cmd/docs/explanation/state.md"},
		{file: "cmd/docs/explanation/replay.md"},
		{file: "cmd/docs/explanation/sim-to-real.md"},
		{file: "cmd/docs/explanation/causes.md"},
		{file: "cmd/docs/explanation/choices.md"},
		{file: "cmd/docs/explanation/scale.md"},
		{file: "cmd/docs/stability.md"},
		{file: "cmd/docs/claims.md"},
	}},
}
