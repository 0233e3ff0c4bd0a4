package share

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"time"
)

// path is where the list of files is; each is below, by its name.
const path = "/journal/"

// noDirectory is the answer of a controller that writes no files.
const noDirectory = "the controller writes no journal files: it runs without --journal-dir"

// Handler serves the journal files of a directory: GET /journal/ lists them as
// JSON, GET /journal/NAME reads one, with ranges. Without a directory it says so.
func Handler(directory string) http.Handler {
	mux := http.NewServeMux()
	if directory == "" {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, noDirectory, http.StatusNotImplemented)
		})
		return mux
	}
	mux.HandleFunc("GET "+path+"{$}", func(w http.ResponseWriter, _ *http.Request) { serveList(w, directory) })
	mux.HandleFunc("GET "+path+"{name}", func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, directory) })
	return mux
}

func serveList(w http.ResponseWriter, directory string) {
	files, err := List(directory)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// What fails is the connection; the reader notices.
	_ = json.NewEncoder(w).Encode(whole(files))
}

// serveFile reads as far as the file goes when it is opened. A file that is
// removed meanwhile is read to its end.
func serveFile(w http.ResponseWriter, r *http.Request, directory string) {
	name := r.PathValue("name")
	if !IsJournal(name) {
		http.Error(w, "no journal file has this name", http.StatusNotFound)
		return
	}
	file, err := os.OpenInRoot(directory, name)
	if errors.Is(err, fs.ErrNotExist) {
		http.Error(w, "the file is gone", http.StatusNotFound)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	// Without a time: a file that grows is the same file.
	http.ServeContent(w, r, "", time.Time{}, file)
}
