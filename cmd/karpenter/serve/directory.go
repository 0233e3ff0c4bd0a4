package serve

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/output"
)

// dashboard is Grafana's, of what was recorded beside what columns decided.
//
//go:embed grafana.json
var dashboard []byte

// dashboardPath is where it is.
const dashboardPath = "grafana.json"

// A Directory serves the reports that a call wrote to a directory, and nothing else that
// lies there: only what its marker lists. What a run under way has not finished is not
// shown; the next request sees what has come meanwhile. A link that leads out of it is
// not followed. Below /api/v1/ it answers as a Prometheus that has the series of all runs,
// with the labels run and column.
type Directory struct {
	dir  string
	root *os.Root
	api  *prometheus
}

// NewDirectory returns a handler of a directory. Close it after the last request.
func NewDirectory(dir string) (*Directory, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	d := &Directory{dir: dir, root: root}
	d.api = &prometheus{
		state: func() string {
			content, _ := root.ReadFile(output.Marker) // publish says what is wrong
			return string(content)
		},
		publish: func(ctx context.Context) (*sim.Published, error) {
			if err := output.Readable(dir); err != nil {
				return nil, err
			}
			return sim.Publish(ctx, dir, sim.Runs(output.Files(dir)))
		},
	}
	return d, nil
}

// ServeHTTP implements http.Handler.
func (d *Directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, apiPath) {
		d.api.ServeHTTP(w, r)
		return
	}
	if r.Method == http.MethodPost {
		http.Error(w, "a directory of reports takes no changes", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	switch name {
	case "":
		name = "index.html"
	case dashboardPath:
		sendDashboard(w)
		return
	}
	if err := output.Readable(d.dir); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if !output.Listed(d.dir, name) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", "frame-ancestors 'self'")
	http.ServeFileFS(w, r, d.root.FS(), name)
}

// Close ends the use of the directory.
func (d *Directory) Close() error { return errors.Join(d.api.Close(), d.root.Close()) }

func sendDashboard(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(dashboard)
}
