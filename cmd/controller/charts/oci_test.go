package charts

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	ociv1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// TestLayout has helm pull the chart from a registry that serves the layout.
func TestLayout(t *testing.T) {
	helm := servertest.Helm(t)
	archive, err := Archive("v1.2.3-rc.1+5", "none", map[string][]byte{"a.yaml": []byte("a: 1\n")})
	if err != nil {
		t.Fatal(err)
	}
	layout, err := Layout(archive)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Layout(archive)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(layout, again) {
		t.Error("Layout(...): the same call gave other bytes")
	}

	registry := httptest.NewServer(registryOf(t, layout))
	defer registry.Close()
	out := t.TempDir()
	call := exec.Command(helm, "pull", "oci://"+strings.TrimPrefix(registry.URL, "http://")+"/charts/"+Name,
		"--version", "1.2.3-rc.1+5", "--plain-http", "--destination", out)
	call.Env = append(os.Environ(), "HELM_CONFIG_HOME="+t.TempDir(), "HELM_CACHE_HOME="+t.TempDir())
	if text, err := call.CombinedOutput(); err != nil {
		t.Fatalf("helm pull: %v\n%s", err, text)
	}
	got, err := os.ReadFile(filepath.Join(out, Name+"-1.2.3-rc.1+5.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, archive) {
		t.Error("helm pull gave another archive than the layout was made of")
	}
}

func TestLayoutRefuses(t *testing.T) {
	var empty bytes.Buffer
	if err := writeTar(&empty, "x", map[string][]byte{"x": nil}); err != nil {
		t.Fatal(err)
	}
	other, err := pack(map[string][]byte{path.Join(Name, "Chart.yaml"): []byte("version: [")})
	if err != nil {
		t.Fatal(err)
	}
	for name, archive := range map[string][]byte{"no archive": []byte("x"), "not compressed": empty.Bytes(), "no metadata": other} {
		if _, err := Layout(archive); err == nil {
			t.Errorf("Layout(%s): want an error", name)
		}
	}
}

// registryOf serves an image layout as a registry that can only be read.
func registryOf(t *testing.T, layout []byte) http.Handler {
	t.Helper()
	files := map[string][]byte{}
	for reader := tar.NewReader(bytes.NewReader(layout)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
	var index ociv1.Index
	if err := json.Unmarshal(files[ociv1.ImageIndexFile], &index); err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, m := range index.Manifests {
		types[m.Annotations[ociv1.AnnotationRefName]] = m.MediaType
		types[m.Digest.String()] = m.MediaType
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, name := path.Base(path.Dir(r.URL.Path)), path.Base(r.URL.Path)
		for _, m := range index.Manifests {
			if m.Annotations[ociv1.AnnotationRefName] == name {
				name = m.Digest.String()
			}
		}
		content, found := files["blobs/sha256/"+strings.TrimPrefix(name, "sha256:")]
		switch {
		case r.URL.Path == "/v2/":
			return
		case !found:
			http.NotFound(w, r)
			return
		case kind == "manifests":
			w.Header().Set("Content-Type", types[name])
		}
		w.Header().Set("Docker-Content-Digest", name)
		w.Write(content)
	})
}
