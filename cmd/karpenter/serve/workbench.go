package serve

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/tune"
)

//go:embed workbench.html workbench.js workbench.css
var assets embed.FS

// Edited is the name of the column with the policy of the page.
const Edited = "edited"

// policyFile is the name of the page's text in messages.
const policyFile = "policy.yaml"

// keptReports is how many reports can still be asked for: the one that is shown, and
// those on their way.
const keptReports = 8

// A Workbench plays a simulation again under the policies that its page sends. It
// decides one at a time, by the engine that every other command plays.
type Workbench struct {
	simulation *sim.Simulation
	options    Options
	owners     []tune.Owner
	manifests  string
	mux        *http.ServeMux
	api        *prometheus

	mu      sync.Mutex
	last    int
	reports map[int][]byte
	// played is the simulation that the last report is of.
	played *sim.Simulation

	advising sync.Mutex
	advice   *advice // nil until somebody asked for it
}

// Options say what a workbench needs besides its simulation.
type Options struct {
	// Version is the program's, for reports.
	Version string
	// Fixes adds to a report of the current policy what fixes would gain.
	Fixes func(context.Context, *reports.Report) error
}

// NewWorkbench returns the workbench of a simulation, of whose columns the first is
// the policy that edits start from: it is played once, now. The caller closes the
// simulation.
func NewWorkbench(ctx context.Context, s *sim.Simulation, o Options) (*Workbench, error) {
	s.Input.Precompute()
	current, err := s.PlayCurrent(ctx)
	if err != nil {
		return nil, err
	}
	w := &Workbench{simulation: current, options: o, reports: map[int][]byte{}, mux: http.NewServeMux()}
	if w.owners, err = tune.Owners(s.Columns[0].Manifests); err != nil {
		return nil, err
	}
	var objects []*v1alpha1.HorizontalAutoscaler
	for i := range s.Columns[0].Autoscalers {
		objects = append(objects, s.Columns[0].Autoscalers[i].Object)
	}
	if w.manifests, err = manifestTexts(objects); err != nil {
		return nil, err
	}
	w.mux.HandleFunc("GET /{$}", page("workbench.html", "text/html; charset=utf-8"))
	w.mux.HandleFunc("GET /workbench.js", page("workbench.js", "text/javascript; charset=utf-8"))
	w.mux.HandleFunc("GET /workbench.css", page("workbench.css", "text/css; charset=utf-8"))
	w.mux.HandleFunc("GET /policy.yaml", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/yaml; charset=utf-8")
		io.WriteString(rw, w.manifests)
	})
	w.mux.HandleFunc("POST /decide", w.decide)
	w.mux.HandleFunc("POST /scenario.yaml", w.scenario)
	w.mux.HandleFunc("GET /report/{number}", w.sendReport)
	w.mux.HandleFunc("GET /fixes", w.advise)
	w.mux.HandleFunc("POST /fixes/{number}", w.fixed)
	w.mux.HandleFunc("POST /patch.yaml", w.patch)
	w.mux.HandleFunc("GET /"+dashboardPath, func(rw http.ResponseWriter, _ *http.Request) { sendDashboard(rw) })
	w.played = current
	w.api = &prometheus{state: w.state, publish: w.publish}
	w.mux.Handle(apiPath, w.api)
	return w, nil
}

// Close forgets the series that the API has read.
func (w *Workbench) Close() error { return w.api.Close() }

// state names the run that is shown.
func (w *Workbench) state() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strconv.Itoa(w.last)
}

// publish plays what is shown once more, to have its series.
func (w *Workbench) publish(ctx context.Context) (*sim.Published, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	dir, err := os.MkdirTemp("", "karpenter-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // memory has the series then
	name := w.played.File.Metadata.Name
	if _, err := w.played.Play(ctx, sim.PlayOptions{Dir: filepath.Join(dir, name), Journal: sim.JournalNone}); err != nil {
		return nil, err
	}
	return sim.Publish(ctx, dir, []string{name})
}

// ServeHTTP implements http.Handler.
func (w *Workbench) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.mux.ServeHTTP(rw, r) }

// page serves one of the page's own files.
func page(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := assets.ReadFile(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Security-Policy", policy)
		w.Write(content)
	}
}

// manifestTexts are autoscalers as somebody would apply them, a document each.
func manifestTexts(objects []*v1alpha1.HorizontalAutoscaler) (string, error) {
	var documents []string
	for _, object := range objects {
		text, err := manifestText(object)
		if err != nil {
			return "", err
		}
		documents = append(documents, text)
	}
	return strings.Join(documents, "---\n"), nil
}

func manifestText(a *v1alpha1.HorizontalAutoscaler) (string, error) {
	object := a.DeepCopy()
	object.Annotations, object.Labels = nil, nil
	content, err := json.Marshal(object)
	if err != nil {
		return "", err
	}
	var fields map[string]any
	if err := json.Unmarshal(content, &fields); err != nil {
		return "", err
	}
	delete(fields, "status")
	if metadata, ok := fields["metadata"].(map[string]any); ok {
		delete(metadata, "creationTimestamp")
	}
	content, err = yaml.Marshal(fields)
	return string(content), err
}

// A verdict is the answer to a policy.
type verdict struct {
	// Report is the address of the whole report.
	Report   string `json:"report,omitempty"`
	Headline string `json:"headline,omitempty"`
	Trade    string `json:"trade,omitempty"`
	// Unranked says why the columns may not be ranked; empty where they may.
	Unranked string `json:"unranked,omitempty"`
	// Patch says that the policy was converted from objects that a patch could change.
	Patch   bool     `json:"patch,omitempty"`
	Figures []figure `json:"figures,omitempty"`
	// Mistakes lists the mistakes in the policy; then there is nothing else.
	Mistakes []mistake `json:"mistakes,omitempty"`
}

// A figure is one of each column, in the order of Columns; null where not known.
type figure struct {
	Name    string              `json:"name"`
	Unit    string              `json:"unit"`
	Columns map[string]*float64 `json:"columns"`
}

// A mistake has its place in the text, 0 where it has none.
type mistake struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// shown are the figures that the page compares.
var shown = []string{"breach_minutes", "replica_hours", "cost", "reversals", "largest_replicas"}

// decide plays the policy of a request beside the current one.
func (w *Workbench) decide(rw http.ResponseWriter, r *http.Request) {
	varied, ok := w.varied(rw, r)
	if !ok {
		return
	}
	answer, err := w.play(r.Context(), varied)
	if err != nil {
		refuse(rw, err)
		return
	}
	send(rw, http.StatusOK, answer)
}

// varied is the simulation under the policy of a request; without a change it is the
// current one alone.
func (w *Workbench) varied(rw http.ResponseWriter, r *http.Request) (*sim.Simulation, bool) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, fmt.Sprintf("the policy is larger than %d bytes, or did not arrive: %v", maxBody, err), http.StatusRequestEntityTooLarge)
		return nil, false
	}
	if string(text) == w.manifests {
		return w.simulation, true
	}
	set, err := parse(text)
	if err == nil {
		var varied *sim.Simulation
		if varied, err = w.simulation.Vary(Edited, set); err == nil {
			return varied, true
		}
	}
	refuse(rw, err)
	return nil, false
}

// parse reads the text of a policy.
func parse(text []byte) (*manifest.Set, error) {
	documents, err := manifest.Parse(policyFile, text)
	if err != nil {
		return nil, err
	}
	return manifest.Collect(documents)
}

// play plays all columns and keeps the report.
func (w *Workbench) play(ctx context.Context, s *sim.Simulation) (*verdict, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err // a later edit has taken its place
	}
	report, err := w.report(ctx, s)
	if err != nil {
		return nil, err
	}
	page, err := report.HTML()
	if err != nil {
		return nil, err
	}
	w.last++
	w.reports[w.last] = page
	w.played = s
	delete(w.reports, w.last-keptReports)
	return &verdict{
		Report: "report/" + strconv.Itoa(w.last), Headline: report.Headline, Trade: report.Trade, Unranked: report.Unranked(),
		Patch: len(w.owners) > 0, Figures: figures(report),
	}, nil
}

// report plays all columns of a simulation that was not played yet.
func (w *Workbench) report(ctx context.Context, s *sim.Simulation) (*reports.Report, error) {
	run, err := s.Play(ctx, sim.PlayOptions{Keep: true, Brief: true})
	if err != nil {
		return nil, err
	}
	run.Version = w.options.Version
	return reports.Compute(run)
}

// figures lists the figures that the page compares, of every column that somebody asked for.
func figures(report *reports.Report) []figure {
	var list []figure
	for _, m := range reports.Metrics() {
		for _, name := range shown {
			if m.Name != name {
				continue
			}
			f := figure{Name: strings.ReplaceAll(name, "_", " "), Unit: m.Unit, Columns: map[string]*float64{}}
			known := false
			for i := range report.Columns {
				v := report.Columns[i].Figures.Get(name)
				if math.IsNaN(v) || math.IsInf(v, 0) {
					f.Columns[report.Columns[i].Name] = nil
					continue
				}
				f.Columns[report.Columns[i].Name], known = &v, true
			}
			if known {
				list = append(list, f)
			}
		}
	}
	return list
}

// scenario sends the scenario that plays the policy of a request as its current one.
func (w *Workbench) scenario(rw http.ResponseWriter, r *http.Request) {
	varied, ok := w.varied(rw, r)
	if !ok {
		return
	}
	text, err := varied.With().Text(nil)
	if err != nil {
		refuse(rw, err)
		return
	}
	sendYAML(rw, "scenario.yaml", string(text))
}

// sendReport sends a report that was played before.
func (w *Workbench) sendReport(rw http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.PathValue("number"))
	w.mu.Lock()
	page, ok := w.reports[number]
	w.mu.Unlock()
	if !ok {
		http.Error(rw, "this report is no longer kept: the page has a newer one", http.StatusNotFound)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Header().Set("Content-Security-Policy", "frame-ancestors 'self'")
	rw.Write(page)
}

// refuse says what is wrong with a policy, each mistake at its place.
func refuse(rw http.ResponseWriter, err error) {
	if errors.Is(err, context.Canceled) {
		return // nobody waits any more
	}
	answer := &verdict{}
	for _, e := range manifest.Placed(err) {
		m := mistake{Message: e.Message}
		if e.Field != "" {
			m.Message = e.Field + ": " + e.Message
		}
		if e.Position.File == policyFile {
			m.Line, m.Column = e.Position.Line, e.Position.Column
		}
		answer.Mistakes = append(answer.Mistakes, m)
	}
	if len(answer.Mistakes) == 0 {
		answer.Mistakes = []mistake{{Message: err.Error()}}
	}
	send(rw, http.StatusUnprocessableEntity, answer)
}

func send(rw http.ResponseWriter, status int, value any) {
	content, err := json.Marshal(value)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	rw.Write(content)
}
