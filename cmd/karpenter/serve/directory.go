package serve

import (
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/karpenter-sim/karpenter/sim/output"
)

// Directory serves the reports that a call wrote to a directory, and nothing else that
// lies there: only what its marker lists. What a run under way has not finished is not
// shown; the next request sees what has come meanwhile.
// A link that leads out of it is not followed.
func Directory(dir string) (http.Handler, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(w, "a directory of reports takes no changes", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name == "" {
			name = "index.html"
		}
		if err := output.Readable(dir); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		if !output.Listed(dir, name) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'self'")
		http.ServeFileFS(w, r, root.FS(), name)
	}), nil
}
