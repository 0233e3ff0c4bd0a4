package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/tune"
)

// A shardReport is report.json of a shard.
type shardReport struct {
	Kind string `json:"kind"`
	// Shard is I/N.
	Shard   string           `json:"shard"`
	Digest  string           `json:"digest"`
	Search  tune.Description `json:"search"`
	Command string           `json:"command"`
	// Scenarios are files below the shard's directory.
	Scenarios []string `json:"scenarios"`
	// Owners has the objects that the scenarios' autoscalers were made of.
	Owners []tune.Owner `json:"owners,omitempty"`
}

const shardKind = "TuneShard"

// writeShard writes a shard's trials and what is needed to judge them.
func (t *tuner) writeShard(out *output.Dir, w *work, part tune.Shard) error {
	report := shardReport{Kind: shardKind, Shard: part.String(), Digest: t.digest, Search: t.about, Command: t.command}
	for i, j := range t.jobs {
		text, err := j.Text(nil)
		if err != nil {
			return internal(err)
		}
		name := fmt.Sprintf("scenario-%d.yaml", i+1)
		if err := os.WriteFile(filepath.Join(out.Set(), name), text, 0o644); err != nil {
			return internal(err)
		}
		report.Scenarios = append(report.Scenarios, name)
		report.Owners = append(report.Owners, t.search.Subjects[i].Owners...)
	}
	lines, err := t.search.Encode(w.trials())
	if err != nil {
		return internal(err)
	}
	if err := os.WriteFile(filepath.Join(out.Set(), trialsFile), lines, 0o644); err != nil {
		return internal(err)
	}
	text, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		return internal(err)
	}
	if err := os.WriteFile(filepath.Join(out.Set(), reports.JSONFile), append(text, '\n'), 0o644); err != nil {
		return internal(err)
	}
	if err := commit(out, t.flags.out); err != nil {
		return err
	}
	t.note("shard %s: %d of %d units in %s; put the shards together with karpenter tune merge", part, len(w.units), t.search.Units(), t.flags.out)
	return nil
}

func (a *app) tuneMergeCommand() *cobra.Command {
	var flags tuneFlags
	c := &cobra.Command{
		Use:   "merge DIR ... --out DIR",
		Short: "Put the shards of a search together: the same bytes as of one run",
		Long: `Reads the directories that tune --shard wrote, judges their trials and writes what
a single run would have written. The recordings must lie where the shards found
them: the neighbours of the choice are still to be played.`,
		Example: `  karpenter tune merge part-1 part-2 part-3 part-4 --out out`,
		Args:    someArgs("the directories that tune --shard wrote"),
		RunE: func(c *cobra.Command, dirs []string) error {
			if err := checkFormat(flags.format); err != nil {
				return err
			}
			shards, err := readShards(dirs)
			if err != nil {
				return err
			}
			t := &tuner{app: a, flags: flags, command: shards[0].report.Command, owners: shards[0].report.Owners}
			if t.owners == nil {
				t.owners = []tune.Owner{}
			}
			return t.merge(c, shards)
		},
	}
	c.Flags().StringVar(&flags.out, "out", "", "directory to write the result to (required)")
	addFormat(c, &flags.format)
	return c
}

// A shardDir is a shard as it was read.
type shardDir struct {
	dir    string
	report shardReport
	shard  tune.Shard
}

// readShards reads the shards' reports and refuses what is not all of one search.
func readShards(dirs []string) ([]shardDir, error) {
	var all []shardDir
	where := map[int]string{}
	for _, dir := range dirs {
		s, err := readShard(dir)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			first := &all[0]
			switch {
			case s.report.Digest != first.report.Digest:
				return nil, fmt.Errorf("%s and %s are shards of different searches: %s", first.dir, dir, searchDifference(&first.report.Search, &s.report.Search))
			case s.shard.Of != first.shard.Of:
				return nil, fmt.Errorf("%s is shard %s, %s shard %s of the same search; want all parts of one division", first.dir, first.shard, dir, s.shard)
			case where[s.shard.Part] != "":
				return nil, fmt.Errorf("%s and %s are both shard %s; name each once", where[s.shard.Part], dir, s.shard)
			}
		}
		where[s.shard.Part] = dir
		all = append(all, s)
	}
	for part := 1; part <= all[0].shard.Of; part++ {
		if where[part] == "" {
			return nil, fmt.Errorf("shard %d/%d is missing; name the directories of all shards", part, all[0].shard.Of)
		}
	}
	return all, nil
}

func readShard(dir string) (shardDir, error) {
	s := shardDir{dir: dir}
	if err := output.Readable(dir); err != nil {
		return s, err
	}
	text, err := os.ReadFile(filepath.Join(dir, reports.JSONFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%s: no %s in it; want a directory that tune --shard wrote", dir, reports.JSONFile)
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", dir, reason(err))
	}
	if err := json.Unmarshal(text, &s.report); err != nil || s.report.Kind != shardKind || len(s.report.Scenarios) == 0 {
		return s, fmt.Errorf("%s: no shard; want a directory that tune --shard wrote", dir)
	}
	for _, name := range s.report.Scenarios {
		if name != filepath.Base(name) || !filepath.IsLocal(name) {
			return s, fmt.Errorf("%s: %q is no file of the shard", filepath.Join(dir, reports.JSONFile), name)
		}
	}
	s.shard, err = tune.ParseShard(s.report.Shard)
	if err != nil {
		return s, fmt.Errorf("%s: %w", filepath.Join(dir, reports.JSONFile), err)
	}
	return s, nil
}

// searchDifference names the first part in which two searches differ.
func searchDifference(a, b *tune.Description) string {
	for _, part := range []struct {
		name string
		a, b any
	}{
		{"version", a.Version, b.Version}, {"sampler", a.Sampler, b.Sampler}, {"trials", a.Trials, b.Trials},
		{"seed", a.Seed, b.Seed}, {"folds", a.Folds, b.Folds}, {"constraints", a.Constraints, b.Constraints}, {"season", a.Season, b.Season},
		{"parameters", a.Parameters, b.Parameters},
	} {
		x, y := fmt.Sprint(part.a), fmt.Sprint(part.b)
		if x != y {
			return fmt.Sprintf("%s %s and %s", part.name, x, y)
		}
	}
	return "their scenarios or recordings differ"
}

// merge judges the trials of all shards.
func (t *tuner) merge(c *cobra.Command, shards []shardDir) error {
	var inputs []output.Input
	for _, s := range shards {
		inputs = append(inputs, flagInputs("shard", s.dir)...)
	}
	if err := excludeInputs(t.flags.out, inputs); err != nil {
		return err
	}
	out, err := openOutput(t.flags.out, output.Options{Kind: output.Reports})
	if err != nil {
		return err
	}
	defer out.Close()
	defer t.close()
	var files []*scenario.File
	for _, name := range shards[0].report.Scenarios {
		file, err := scenario.Load(filepath.Join(shards[0].dir, name), scenario.Options{})
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	if err := t.flags.settle(c, files); err != nil {
		return err
	}
	if err := t.prepare(c.Context(), files); err != nil {
		return err
	}
	if t.digest != shards[0].report.Digest {
		return fmt.Errorf("%s: the search is another now than when its shards ran: %s", shards[0].dir, searchDifference(&shards[0].report.Search, &t.about))
	}
	trials, err := t.collect(shards)
	if err != nil {
		return err
	}
	return t.finish(c.Context(), out, trials)
}

// collect reads the shards' trials, in the order of units.
func (t *tuner) collect(shards []shardDir) ([]tune.Trial, error) {
	units := map[int][]tune.Trial{}
	for _, s := range shards {
		path := filepath.Join(s.dir, trialsFile)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, reason(err))
		}
		if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
			return nil, fmt.Errorf("%s: the last line is torn; run the shard again", path)
		}
		trials, err := t.search.Decode(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, trial := range trials {
			if !s.shard.Has(trial.Unit) {
				return nil, fmt.Errorf("%s: unit %d is not one of shard %s", path, trial.Unit, s.shard)
			}
			units[trial.Unit] = append(units[trial.Unit], trial)
		}
	}
	var all []tune.Trial
	for unit := 1; unit <= t.search.Units() && t.search.Trusted(); unit++ {
		if len(units[unit]) == 0 {
			return nil, fmt.Errorf("shard %d/%d has no trials of unit %d; run it again", (unit-1)%shards[0].shard.Of+1, shards[0].shard.Of, unit)
		}
		all = append(all, units[unit]...)
	}
	return all, nil
}
