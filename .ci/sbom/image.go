package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	ociv1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// writeImage writes an SBOM for each platform of the one image of a layout, and prints
// the image's digest.
func writeImage(stdout io.Writer, layout, image, out string) error {
	name, version, found := strings.Cut(image, ":")
	if !found {
		return errors.New("want NAME:VERSION")
	}
	var index ociv1.Index
	if err := decode(filepath.Join(layout, ociv1.ImageIndexFile), &index); err != nil {
		return err
	}
	if n := len(index.Manifests); n != 1 {
		return fmt.Errorf("%s has %d images, want one", layout, n)
	}
	root := index.Manifests[0]
	platforms := ociv1.Index{}
	if err := decode(blob(layout, root.Digest), &platforms); err != nil {
		return err
	}
	if len(platforms.Manifests) == 0 {
		return fmt.Errorf("%s has no image of several platforms", layout)
	}
	for _, of := range platforms.Manifests {
		if of.Platform == nil {
			return fmt.Errorf("%s: image %s has no platform", layout, of.Digest)
		}
		file := strings.Join([]string{name, version, of.Platform.OS, of.Platform.Architecture}, "-")
		d, err := imageOf(layout, name, file, of)
		if err != nil {
			return fmt.Errorf("%s: %w", of.Digest, err)
		}
		if err := d.write(filepath.Join(out, "image-"+file+".spdx.json")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(stdout, "%s %s\n", image, root.Digest)
	return err
}

// imageOf describes the image of one platform: the Go binaries in its layers, and the
// base that they lie on.
func imageOf(layout, name, file string, of ociv1.Descriptor) (*document, error) {
	var manifest ociv1.Manifest
	if err := decode(blob(layout, of.Digest), &manifest); err != nil {
		return nil, err
	}
	var d *document
	for _, layer := range manifest.Layers {
		err := eachProgram(blob(layout, layer.Digest), func(program string, content []byte, info *buildinfo.BuildInfo) {
			if d == nil {
				d = newDocument("image-"+file, of.Digest.Encoded(), info.Main.Path)
				d.image("SPDXRef-image", name, of.Digest, of.Platform.Architecture)
				d.add(d.SPDXID, "DESCRIBES", "SPDXRef-image")
			}
			id := fmt.Sprintf("SPDXRef-binary-%d", len(d.Packages))
			// The version of the main module is in the name where the linker was not told any.
			d.add("SPDXRef-image", "CONTAINS", d.binary(id, path.Base(program)+strings.TrimPrefix(file, name), content, info))
		})
		if err != nil {
			return nil, err
		}
	}
	if d == nil {
		return nil, errors.New("no layer has a Go binary")
	}
	if base := manifest.Annotations[ociv1.AnnotationBaseImageName]; base != "" {
		repository, _, _ := strings.Cut(base, "@")
		d.image("SPDXRef-base", repository, digest.Digest(manifest.Annotations[ociv1.AnnotationBaseImageDigest]), of.Platform.Architecture)
		d.add("SPDXRef-image", "DESCENDANT_OF", "SPDXRef-base")
	}
	return d, nil
}

// image adds an image of one platform by its digest.
func (d *document) image(id, name string, at digest.Digest, architecture string) {
	d.Packages = append(d.Packages, spdxPackage{
		SPDXID: id, Name: name, VersionInfo: at.String(), DownloadLocation: noAssertion,
		Checksums:        []checksum{{"SHA256", at.Encoded()}},
		LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion,
		ExternalRefs: []externalRef{{"PACKAGE-MANAGER", "purl",
			"pkg:oci/" + path.Base(name) + "@" + strings.ReplaceAll(at.String(), ":", "%3A") + "?arch=" + architecture}},
	})
}

// eachProgram calls use with each Go binary of a layer.
func eachProgram(layer string, use func(name string, content []byte, info *buildinfo.BuildInfo)) error {
	file, err := os.Open(layer)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for entries := tar.NewReader(unzipped); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg || header.Mode&0o111 == 0 {
			continue
		}
		content, err := io.ReadAll(entries)
		if err != nil {
			return err
		}
		if info, err := buildinfo.Read(bytes.NewReader(content)); err == nil {
			use(header.Name, content, info)
		}
	}
}

func blob(layout string, of digest.Digest) string {
	return filepath.Join(layout, ociv1.ImageBlobsDir, of.Algorithm().String(), of.Encoded())
}

func decode(file string, into any) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
