package serve

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/tune"
)

// An advice holds the gains of fixes of the policy that edits start from.
type advice struct {
	// Headline is that of the run, with what the best fix would have left.
	Headline string `json:"headline"`
	// Unranked says why nothing is told; empty where it is.
	Unranked string `json:"unranked,omitempty"`
	Fixes    []fix  `json:"fixes"`
}

// A fix is one change, played alone over the whole run.
type fix struct {
	Name string `json:"name"`
	// Minutes are left of Lacked; Hours are the replica-hours that it takes more.
	Minutes float64 `json:"minutes"`
	Lacked  float64 `json:"lacked"`
	Hours   float64 `json:"hours"`
	// Possible says whether fields of the policy make it.
	Possible bool `json:"possible"`

	set []string
}

// advise sends what fixes would gain, which is found out at the first request.
func (w *Workbench) advise(rw http.ResponseWriter, r *http.Request) {
	a, err := w.advised(r.Context())
	if err != nil {
		refuse(rw, err)
		return
	}
	send(rw, http.StatusOK, a)
}

func (w *Workbench) advised(ctx context.Context) (*advice, error) {
	w.advising.Lock()
	defer w.advising.Unlock()
	if w.advice != nil {
		return w.advice, nil
	}
	report, err := w.report(ctx, w.simulation)
	if err != nil {
		return nil, err
	}
	if err := w.options.Fixes(ctx, report); err != nil {
		return nil, err
	}
	a := &advice{Headline: report.Headline, Unranked: report.Unranked(), Fixes: []fix{}}
	objects := report.Column(reports.Current).Objects
	for i := range objects {
		o := &objects[i]
		for k := range o.Fixes() {
			f := &o.Fixes()[k]
			one := fix{
				Name: reports.FixPhrase(f), Minutes: minutes(f.Alone.Seconds), Lacked: o.Figures.Get("breach_minutes"),
				Hours: f.Alone.MoreHours, Possible: len(f.Set) > 0, set: f.Set,
			}
			if len(objects) > 1 {
				one.Name = o.Label + ": " + one.Name
			}
			a.Fixes = append(a.Fixes, one)
		}
	}
	w.advice = a
	return a, nil
}

func minutes(seconds int64) float64 { return math.Round(float64(seconds)/6) / 10 }

// fixed sends the policy of a request with one of the fixes made.
func (w *Workbench) fixed(rw http.ResponseWriter, r *http.Request) {
	a, err := w.advised(r.Context())
	if err != nil {
		refuse(rw, err)
		return
	}
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 0 || number >= len(a.Fixes) || !a.Fixes[number].Possible {
		http.Error(rw, "no such fix of the policy", http.StatusNotFound)
		return
	}
	set, ok := w.posted(rw, r)
	if !ok {
		return
	}
	if set, err = set.Assign(a.Fixes[number].set); err != nil {
		refuse(rw, err)
		return
	}
	var objects []*v1alpha1.HorizontalAutoscaler
	for _, e := range set.Autoscalers {
		objects = append(objects, e.Object)
	}
	text, err := manifestTexts(objects)
	if err != nil {
		refuse(rw, err)
		return
	}
	sendYAML(rw, "policy.yaml", text)
}

// posted is the policy of a request.
func (w *Workbench) posted(rw http.ResponseWriter, r *http.Request) (*manifest.Set, bool) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, fmt.Sprintf("the policy is larger than %d bytes, or did not arrive: %v", maxBody, err), http.StatusRequestEntityTooLarge)
		return nil, false
	}
	set, err := parse(text)
	if err != nil {
		refuse(rw, err)
		return nil, false
	}
	return set, true
}

// patch sends what the policy of a request changes in the HPAs and ScaledObjects that the
// policies were converted from, as patches of those.
func (w *Workbench) patch(rw http.ResponseWriter, r *http.Request) {
	varied, ok := w.varied(rw, r)
	if !ok {
		return
	}
	text, err := w.patches(varied)
	if err != nil {
		refuse(rw, err)
		return
	}
	sendYAML(rw, "patch.yaml", text)
}

func (w *Workbench) patches(varied *sim.Simulation) (string, error) {
	was, is := w.simulation.Columns[0].Autoscalers, varied.Columns[len(varied.Columns)-1].Autoscalers
	var documents []string
	for _, owner := range w.owners {
		a, b := ownedBy(owner, was), ownedBy(owner, is)
		if a == nil || b == nil {
			continue
		}
		p, err := tune.PatchOf(owner, a, b)
		if err != nil {
			return "", err
		}
		text := string(p.Text)
		if p.File == "" {
			text = fmt.Sprintf("# %s %s/%s: nothing changes that its fields can say.\n", owner.Kind, owner.Namespace, owner.Name)
			for _, line := range p.Unsaid {
				text += "# Not said here: " + strings.ReplaceAll(line, "\n", " ") + "\n"
			}
		}
		documents = append(documents, text)
	}
	return strings.Join(documents, "---\n"), nil
}

func ownedBy(owner tune.Owner, all []sim.Autoscaler) *sim.Autoscaler {
	for i := range all {
		if all[i].Name().String() == owner.Autoscaler {
			return &all[i]
		}
	}
	return nil
}

func sendYAML(rw http.ResponseWriter, name, text string) {
	rw.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	rw.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	io.WriteString(rw, text)
}
