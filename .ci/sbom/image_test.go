package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ociv1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// A layout is an OCI layout that a test writes blob by blob.
type layout struct {
	t   *testing.T
	dir string
}

func (l layout) put(content []byte) ociv1.Descriptor {
	l.t.Helper()
	of := ociv1.Descriptor{Digest: digest.FromBytes(content), Size: int64(len(content))}
	if err := os.MkdirAll(filepath.Dir(blob(l.dir, of.Digest)), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(blob(l.dir, of.Digest), content, 0o600); err != nil {
		l.t.Fatal(err)
	}
	return of
}

func (l layout) json(v any) ociv1.Descriptor {
	l.t.Helper()
	content, err := json.Marshal(v)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.put(content)
}

func (l layout) layer(files map[string][]byte) ociv1.Descriptor {
	l.t.Helper()
	var b bytes.Buffer
	zipped, _ := gzip.NewWriterLevel(&b, gzip.NoCompression)
	w := tar.NewWriter(zipped)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o555, Size: int64(len(content))}); err != nil {
			l.t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			l.t.Fatal(err)
		}
	}
	w.Close()
	zipped.Close()
	return l.put(b.Bytes())
}

// index writes what a layout begins with.
func (l layout) index(entries ...ociv1.Descriptor) {
	l.t.Helper()
	content, err := json.Marshal(ociv1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: entries})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, ociv1.ImageIndexFile), content, 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// TestImage describes an image of two platforms by the binary that lies in it, which is
// this test: its modules, the base, and the digest that a registry gives the whole.
func TestImage(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	l := layout{t, t.TempDir()}
	base := l.layer(map[string][]byte{"etc/passwd": []byte("root"), "bin/script": []byte("#!/bin/sh\n")})
	app := l.layer(map[string][]byte{"ko-app/controller": program})
	var platforms ociv1.Index
	for _, architecture := range []string{"amd64", "arm64"} {
		manifest := l.json(ociv1.Manifest{Layers: []ociv1.Descriptor{base, app}, Annotations: map[string]string{
			ociv1.AnnotationBaseImageName: "gcr.io/distroless/static@sha256:00", ociv1.AnnotationBaseImageDigest: digest.FromString(architecture).String(),
		}})
		manifest.Platform = &ociv1.Platform{OS: "linux", Architecture: architecture}
		platforms.Manifests = append(platforms.Manifests, manifest)
	}
	root := l.json(platforms)
	l.index(root)
	var stdout bytes.Buffer
	if err := writeImage(&stdout, l.dir, "controller:v0.1.0", l.dir); err != nil {
		t.Fatal(err)
	}
	if got, want := stdout.String(), "controller:v0.1.0 "+root.Digest.String()+"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	content, err := os.ReadFile(filepath.Join(l.dir, "image-controller-v0.1.0-linux-arm64.spdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range d.Packages {
		names = append(names, p.Name+" "+p.VersionInfo)
	}
	got := strings.Join(names, "\n") + "\n"
	for _, r := range d.Relationships {
		got += r.Element + " " + r.Type + " " + r.Related + "\n"
	}
	for _, want := range []string{
		"controller " + platforms.Manifests[1].Digest.String() + "\n", "controller-v0.1.0-linux-arm64 \n",
		"github.com/opencontainers/go-digest v", "stdlib 1.", "gcr.io/distroless/static " + digest.FromString("arm64").String() + "\n",
		"SPDXRef-DOCUMENT DESCRIBES SPDXRef-image\n", "SPDXRef-image CONTAINS SPDXRef-binary-1\n", "SPDXRef-image DESCENDANT_OF SPDXRef-base\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestImageRefusesAnotherLayout(t *testing.T) {
	cases := []struct {
		reason, image, want string
		write               func(l layout)
	}{
		{"nothing is there", "a:v1", "no such file", func(layout) {}},
		{"no version", "a", "want NAME:VERSION", func(layout) {}},
		{"two images: which one is meant?", "a:v1", "has 2 images", func(l layout) { l.index(l.json(1), l.json(2)) }},
		{"an image of one platform", "a:v1", "no image of several platforms", func(l layout) { l.index(l.json(ociv1.Manifest{})) }},
		{"an image without a program of ours has no SBOM, rather than an empty one", "a:v1", "no layer has a Go binary", func(l layout) {
			manifest := l.json(ociv1.Manifest{Layers: []ociv1.Descriptor{l.layer(map[string][]byte{"bin/sh": []byte("#!")})}})
			manifest.Platform = &ociv1.Platform{OS: "linux", Architecture: "amd64"}
			l.index(l.json(ociv1.Index{Manifests: []ociv1.Descriptor{manifest}}))
		}},
	}
	for _, tc := range cases {
		l := layout{t, t.TempDir()}
		tc.write(l)
		err := writeImage(&bytes.Buffer{}, l.dir, tc.image, l.dir)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.reason, err, tc.want)
		}
	}
}
