package reports

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/karpenter-sim/karpenter/engine/escape"
)

// Names of the files of one run.
const (
	htmlName     = "report.html"
	markdownName = "summary.md"
	// JSONFile is in the directory of a whole call, too.
	JSONFile  = "report.json"
	junitName = "junit.xml"
	indexName = "index.html"
)

// WriteDir writes report.html, summary.md and report.json into dir, which it
// makes where needed. The same run gives the same bytes.
func (r *Report) WriteDir(dir string) error {
	page, err := r.HTML()
	if err != nil {
		return fmt.Errorf("run %s: %w", r.Run.Name, err)
	}
	data, err := r.stored().encode()
	if err != nil {
		return fmt.Errorf("run %s: %w", r.Run.Name, err)
	}
	return writeFiles(dir, []outputFile{
		{htmlName, page},
		{markdownName, []byte(r.Markdown())},
		{JSONFile, data},
	})
}

type outputFile struct {
	name string
	text []byte
}

func writeFiles(dir string, files []outputFile) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		text := escape.Document(f.text)
		if filepath.Ext(f.name) == ".json" {
			text = escape.JSON(f.text)
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
