package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	chartVersion = regexp.MustCompile(`(?m)^version: .*$`)
	appVersion   = regexp.MustCompile(`(?m)^appVersion: .*$`)
	provider     = regexp.MustCompile(`(?m)^provider: .*$`)
)

// Archive returns the chart in a version (v0.1.0) as helm package would write
// it, with the CRDs given by file name, and with a provider as the default. The
// same input gives the same bytes.
func Archive(version, defaultProvider string, crds map[string][]byte) ([]byte, error) {
	content := map[string][]byte{}
	err := fs.WalkDir(files, Name, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content[name], err = files.ReadFile(name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	for name, file := range linked {
		content[path.Join(Name, name)] = file
	}
	for name, crd := range crds {
		content[path.Join(Name, "crds", name)] = crd
	}
	replace(content, "Chart.yaml", chartVersion, "version: "+strings.TrimPrefix(version, "v"))
	replace(content, "Chart.yaml", appVersion, "appVersion: "+version)
	replace(content, "values.yaml", provider, "provider: "+defaultProvider)
	return pack(content)
}

func replace(content map[string][]byte, file string, line *regexp.Regexp, with string) {
	name := path.Join(Name, file)
	content[name] = line.ReplaceAllLiteral(content[name], []byte(with))
}

// pack returns files as a compressed archive, in the order that helm reads best.
func pack(content map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	if err := writeTar(compressed, path.Join(Name, "Chart.yaml"), content); err != nil {
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	return out.Bytes(), nil
}

// writeTar writes files, one of them first and the others by name, without times and
// owners.
func writeTar(w io.Writer, first string, content map[string][]byte) error {
	names := []string{first}
	for name := range content {
		if name != first {
			names = append(names, name)
		}
	}
	slices.Sort(names[1:])
	archive := tar.NewWriter(w)
	for _, name := range names {
		header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content[name])), Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("chart: %s: %w", name, err)
		}
		if _, err := archive.Write(content[name]); err != nil {
			return fmt.Errorf("chart: %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	return nil
}
