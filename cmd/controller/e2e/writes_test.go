package e2e

import (
	"net/http"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// writes are the objects that the server was asked to change. The test reads again
// what was written, and nothing else: most decisions write nothing.
type writes struct {
	mu      sync.Mutex
	objects map[string]bool
}

// noteWrites notes those of all clients of a configuration.
func noteWrites(config *rest.Config) *writes {
	w := &writes{objects: map[string]bool{}}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &noting{next, w} })
	return w
}

type noting struct {
	http.RoundTripper
	to *writes
}

// RoundTrip implements http.RoundTripper.
func (n *noting) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := n.RoundTripper.RoundTrip(r)
	if r.Method != http.MethodGet {
		// .../namespaces/NAMESPACE/RESOURCE/NAME, and a subresource perhaps.
		if _, object, found := strings.Cut(r.URL.Path, "/namespaces/"); found {
			if parts := strings.SplitN(object, "/", 4); len(parts) >= 3 {
				n.to.mu.Lock()
				n.to.objects[strings.Join(parts[:3], "/")] = true
				n.to.mu.Unlock()
			}
		}
	}
	return response, err
}

// objectAt is the path of an object of a resource.
func (*live) objectAt(resource string, name types.NamespacedName) string {
	return name.Namespace + "/" + resource + "/" + name.Name
}

// seen says whether an object was written since it was taken.
func (w *writes) seen(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.objects[path]
}

// take says so, and forgets it.
func (w *writes) take(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	written := w.objects[path]
	delete(w.objects, path)
	return written
}
