package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// A Tune is a search for a better policy and what came of it.
type Tune struct {
	// Name names the scenarios; Version is the program's, Command the line that
	// repeats the search.
	Name     string         `json:"name"`
	Version  string         `json:"version"`
	Command  string         `json:"command"`
	Location *time.Location `json:"-"`
	// Digest identifies the search.
	Digest string `json:"digest"`
	// Verdict is recommend, keep or unranked; Why says what led to it, a
	// sentence each.
	Verdict string      `json:"verdict"`
	Why     []string    `json:"why"`
	Loop    result.Loop `json:"badge,omitempty"`
	// Fidelity is nil where no replicas were recorded.
	Fidelity    *float64 `json:"fidelityPercent,omitempty"`
	Sampler     string   `json:"sampler"`
	Seed        int64    `json:"seed"`
	Constraints []string `json:"constraints,omitempty"`
	// Played of the trials have figures; Stopped of them ended early against a
	// fixed bound, Invalid others are no valid policies. Neighbours were played
	// around the choice.
	Played     int `json:"played"`
	Stopped    int `json:"stopped"`
	Invalid    int `json:"invalid"`
	Neighbours int `json:"neighbours"`
	// Near of the neighbours beat the current policy in training, too.
	Near    int  `json:"neighboursBetter"`
	Plateau bool `json:"plateau"`
	// Choice is the trial that the last fold chose, 0 for none; Metric is the one
	// that it has besides those of the policy.
	Choice int    `json:"choice,omitempty"`
	Metric string `json:"metric,omitempty"`
	// Priced says that cost is money, not replica-hours.
	Priced bool `json:"priced,omitempty"`
	// Pairing compares the choices with the current policy, in time held out.
	Pairing *TunePairing `json:"pairing,omitempty"`
	// Patches are the recommendation for owners of other autoscalers.
	Patches    []TunePatch     `json:"patches,omitempty"`
	Parameters []TuneParameter `json:"parameters"`
	Folds      []TuneFold      `json:"folds,omitempty"`
	// HeldOut are the figures of all folds' choices in their held-out windows
	// together, CurrentHeldOut those of the current policy there.
	HeldOut        TuneFigures `json:"heldOut"`
	CurrentHeldOut TuneFigures `json:"currentHeldOut"`
	// Current is the current policy, by the last fold's windows like all points.
	Current TunePoint `json:"current"`
	// Points are the trials that the last fold could choose from.
	Points []TunePoint `json:"points,omitempty"`
	// Around are the neighbours of the choice.
	Around []TunePoint `json:"around,omitempty"`
	Maps   []TuneMap   `json:"-"`
	// Assumptions and Notes are shown on the first screen and further down.
	Assumptions []string `json:"assumptions,omitempty"`
	Notes       []string `json:"notes,omitempty"`
}

// A TunePairing compares two policies over the same days, or shorter parts.
type TunePairing struct {
	Unit  string `json:"unit"`
	Pairs int    `json:"pairs"`
	// Partial days and Unjudged parts are left out.
	Partial  int              `json:"partial"`
	Unjudged int              `json:"unjudged"`
	Figures  []TuneDifference `json:"figures"`
}

// A TuneDifference is how much more of a figure the choice has on the average of
// the pairs, with its interval of 95 %; nil where too little is known.
type TuneDifference struct {
	Figure string   `json:"figure"`
	Mean   float64  `json:"mean"`
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
}

// A TunePatch is a recommendation in the fields of an HPA or a ScaledObject.
type TunePatch struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// File is the patch, empty where nothing can be said; Command applies it.
	File    string `json:"file,omitempty"`
	Command string `json:"command,omitempty"`
	// Unsaid says what those fields cannot say.
	Unsaid []string `json:"unsaid,omitempty"`
}

// TuneFigures has the figures of a stretch of time.
type TuneFigures struct {
	ReplicaHours  float64 `json:"replicaHours"`
	Cost          float64 `json:"cost,omitempty"`
	BreachMinutes float64 `json:"breachMinutes"`
	UnderHours    float64 `json:"underReplicaHours"`
	Reversals     int64   `json:"reversals"`
}

// A TunePoint is one trial in training and held out.
type TunePoint struct {
	Trial  int         `json:"trial"`
	In     TuneFigures `json:"inSample"`
	Out    TuneFigures `json:"heldOut"`
	Pareto bool        `json:"pareto,omitempty"`
	Values []string    `json:"values,omitempty"`
	// Invalid says why a neighbour is no policy.
	Invalid string `json:"invalid,omitempty"`
}

// A TuneParameter is one field that was searched.
type TuneParameter struct {
	Path     string `json:"path"`
	Searched string `json:"searched"`
	Current  string `json:"current"`
	Chosen   string `json:"chosen,omitempty"`
	// Cost and Lacking are the shares of the candidates' differences that it
	// explains, from 0 to 1.
	Cost    float64 `json:"explainsCost"`
	Lacking float64 `json:"explainsLacking"`
}

// A TuneFold is one walk-forward step, in Unix seconds.
type TuneFold struct {
	From  int64 `json:"from"`
	Split int64 `json:"split"`
	To    int64 `json:"to"`
	// Trial is the choice, 0 for none.
	Trial      int         `json:"trial,omitempty"`
	In         TuneFigures `json:"inSample"`
	Out        TuneFigures `json:"heldOut"`
	CurrentIn  TuneFigures `json:"currentInSample"`
	CurrentOut TuneFigures `json:"currentHeldOut"`
	Held       bool        `json:"held"`
}

// A TuneMap shows two parameters against each other.
type TuneMap struct {
	X, Y             string
	XLabels, YLabels []string
	// Best[y][x] is the least loss of candidates relative to the current
	// policy's; NaN where there are none. Trials counts them.
	Best   [][]float64
	Trials [][]int
	// ChoiceX and ChoiceY are the cell of the choice, negative without one.
	ChoiceX, ChoiceY int
}

// The verdicts of a Tune.
const (
	TuneRecommend = "recommend"
	TuneKeep      = "keep"
	TuneUnranked  = "unranked"
)

// Names of a search's files.
const (
	tuneHTML     = "tune.html"
	tuneMarkdown = "summary.md"
	tuneJSON     = "report.json"
)

// Headline answers the question in one sentence.
func (t *Tune) Headline() string {
	switch t.Verdict {
	case TuneUnranked:
		return "Nothing is ranked: the recording does not tell what another policy would have done."
	case TuneKeep:
		if t.Choice == 0 {
			return fmt.Sprintf("Keep what you have: none of %s candidates beats the current policy.", group(int64(t.Played)))
		}
		return fmt.Sprintf("Keep what you have: the best of %s candidates does not surely beat the current policy in time it was not chosen by.", group(int64(t.Played)))
	}
	last := t.Folds[len(t.Folds)-1]
	with := ""
	if t.Metric == TuneSeason {
		with = " with the season"
	}
	return fmt.Sprintf("Use trial %d%s: in time it was not chosen by, %s and %s than under the current policy.",
		t.Choice, with, lessOrMore(t.expense(&last.Out), t.expense(&last.CurrentOut), t.expenseName()), lessOrMore(last.Out.BreachMinutes, last.CurrentOut.BreachMinutes, "breach minutes"))
}

// TuneSeason is the Metric of a choice with a season.
const TuneSeason = "season"

// expense returns what figures cost: money where prices are given, else replica-hours.
func (t *Tune) expense(f *TuneFigures) float64 {
	if t.Priced {
		return f.Cost
	}
	return f.ReplicaHours
}

func (t *Tune) expenseName() string {
	if t.Priced {
		return "cost"
	}
	return "replica-hours"
}

// lessOrMore is a relative change in words.
func lessOrMore(a, than float64, what string) string {
	if than == 0 {
		if a == 0 {
			return "no more " + what + " (none)"
		}
		return number(a) + " more " + what
	}
	percent := 100 * (a/than - 1)
	switch {
	case percent < 0:
		return number(-percent) + " % fewer " + what
	case percent > 0:
		return number(percent) + " % more " + what
	}
	return "no more " + what
}

// change is a relative change in percent with its sign, or both values where
// there is nothing to relate to.
func change(a, than float64) string {
	if than == 0 {
		return number(a) + " instead of 0"
	}
	percent := 100 * (a/than - 1)
	switch text := number(math.Abs(percent)); {
	case text == "0" || math.Abs(percent) < 0.05:
		return "±0 %"
	case percent > 0:
		return "+" + text + " %"
	default:
		return "−" + text + " %"
	}
}

// last is the last fold; ok is false where nothing was ranked.
func (t *Tune) last() (f TuneFold, ok bool) {
	if len(t.Folds) == 0 {
		return f, false
	}
	return t.Folds[len(t.Folds)-1], true
}

func (t *Tune) clock() clock {
	run := Run{Location: t.Location, Start: 0, End: 1}
	if f, ok := t.last(); ok {
		run.Start, run.End = f.From, f.To
	}
	return clockOf(&run)
}

// WriteDir writes tune.html, summary.md and report.json into a directory.
func (t *Tune) WriteDir(dir string) error {
	page, err := t.HTML()
	if err != nil {
		return err
	}
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(t); err != nil {
		return err
	}
	return writeFiles(dir, []outputFile{{tuneHTML, page}, {tuneMarkdown, []byte(t.Markdown())}, {tuneJSON, data.Bytes()}})
}
