package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ociv1 "github.com/opencontainers/image-spec/specs-go/v1"
	"sigs.k8s.io/yaml"
)

// The media types of charts in registries, as helm push writes them.
const (
	chartConfig  = "application/vnd.cncf.helm.config.v1+json"
	chartContent = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// Layout returns a chart archive as an OCI image layout in a tar file, which tools
// such as crane and skopeo copy to a registry, for helm to pull from there. Its one
// manifest is tagged with the chart's version. The same archive gives the same bytes.
func Layout(archive []byte) ([]byte, error) {
	metadata, err := chartMetadata(archive)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(metadata)
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	version, _ := metadata["version"].(string)
	description, _ := metadata["description"].(string)
	manifest, err := json.Marshal(ociv1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ociv1.MediaTypeImageManifest,
		Config:    describe(chartConfig, config),
		Layers:    []ociv1.Descriptor{describe(chartContent, archive)},
		Annotations: map[string]string{
			ociv1.AnnotationTitle: Name, ociv1.AnnotationVersion: version, ociv1.AnnotationDescription: description,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	entry := describe(ociv1.MediaTypeImageManifest, manifest)
	// A tag has no plus sign: helm writes an underscore.
	entry.Annotations = map[string]string{ociv1.AnnotationRefName: strings.ReplaceAll(version, "+", "_")}
	index, err := json.Marshal(ociv1.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ociv1.MediaTypeImageIndex,
		Manifests: []ociv1.Descriptor{entry},
	})
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	marker, err := json.Marshal(ociv1.ImageLayout{Version: ociv1.ImageLayoutVersion})
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	content := map[string][]byte{ociv1.ImageLayoutFile: marker, ociv1.ImageIndexFile: index}
	for _, blob := range [][]byte{config, archive, manifest} {
		d := digest.FromBytes(blob)
		content[path.Join(ociv1.ImageBlobsDir, d.Algorithm().String(), d.Encoded())] = blob
	}
	var out bytes.Buffer
	if err := writeTar(&out, ociv1.ImageLayoutFile, content); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// describe names content by its digest.
func describe(mediaType string, content []byte) ociv1.Descriptor {
	return ociv1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
}

// chartMetadata returns the content of an archive's Chart.yaml, which a chart in a
// registry has as its configuration.
func chartMetadata(archive []byte) (map[string]any, error) {
	compressed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	for files := tar.NewReader(compressed); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("chart: there is no Chart.yaml in it")
		}
		if err != nil {
			return nil, fmt.Errorf("chart: %w", err)
		}
		if header.Name != path.Join(Name, "Chart.yaml") {
			continue
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return nil, fmt.Errorf("chart: %w", err)
		}
		var metadata map[string]any
		if err := yaml.Unmarshal(text, &metadata); err != nil {
			return nil, fmt.Errorf("chart: Chart.yaml: %w", err)
		}
		return metadata, nil
	}
}
