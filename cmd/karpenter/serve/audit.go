package serve

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/karpenter-sim/karpenter/reports/fleet"
)

// openPath is below what rows of an audit open.
const openPath = "/open/"

// maxOpen is how many workbenches of an audit are kept; the one opened first is closed.
const maxOpen = 4

// An Opening opens what a row of an audit shows, and returns what closes it.
type Opening func() (http.Handler, func(), error)

// An Audit serves an audit, each row of which may open a workbench.
type Audit struct {
	page     []byte
	openings map[int]Opening

	mu   sync.Mutex
	open []*opened
}

// opened is a row's workbench. Requests under way keep it from being closed.
type opened struct {
	row     int
	handler http.Handler
	done    func()
	use     sync.RWMutex
}

// NewAudit returns a handler of an audit, of which these rows, counted from 0, open
// something.
func NewAudit(audit *fleet.Audit, openings map[int]Opening) (*Audit, error) {
	page, err := audit.HTML(func(row int) string {
		if openings[row] == nil {
			return ""
		}
		return openPath[1:] + strconv.Itoa(row) + "/"
	})
	if err != nil {
		return nil, err
	}
	return &Audit{page: page, openings: openings}, nil
}

// ServeHTTP implements http.Handler.
func (a *Audit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'self'")
		w.Write(a.page)
	})
	mux.HandleFunc(openPath+"{row}/", a.serveRow)
	mux.ServeHTTP(w, r)
}

// serveRow serves the workbench of a row, which the first request opens.
func (a *Audit) serveRow(w http.ResponseWriter, r *http.Request) {
	row, err := strconv.Atoi(r.PathValue("row"))
	if err != nil || a.openings[row] == nil {
		http.NotFound(w, r)
		return
	}
	o, err := a.of(row)
	if err != nil {
		http.Error(w, fmt.Sprintf("this row cannot be opened: %v", err), http.StatusUnprocessableEntity)
		return
	}
	defer o.use.RUnlock()
	http.StripPrefix(openPath+strconv.Itoa(row), o.handler).ServeHTTP(w, r)
}

// of returns what a row opens, locked for reading.
func (a *Audit) of(row int) (*opened, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.open {
		if o.row == row {
			o.use.RLock()
			return o, nil
		}
	}
	handler, done, err := a.openings[row]()
	if err != nil {
		return nil, err
	}
	if len(a.open) == maxOpen {
		go a.open[0].close()
		a.open = a.open[1:]
	}
	o := &opened{row: row, handler: handler, done: done}
	a.open = append(a.open, o)
	o.use.RLock()
	return o, nil
}

// close ends it once nobody uses it any more.
func (o *opened) close() {
	o.use.Lock()
	defer o.use.Unlock()
	o.done()
}

// Close closes all that is open.
func (a *Audit) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.open {
		o.close()
	}
	a.open = nil
	return nil
}
