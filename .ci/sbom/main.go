// Command sbom writes what a Go binary is made of, as SPDX 2.3 in JSON, beside it:
// BINARY.spdx.json. It reads what the Go linker left in the binary, so the SBOM is of
// the bytes that are shipped. The same binary gives the same bytes.
//
//	go run ./.ci/sbom releases/bin/karpenter-v0.1.0-linux-amd64
//
// Of a multi-platform image, which is an OCI layout on disk, it writes one for each
// platform, OUT/image-NAME-VERSION-OS-ARCH.spdx.json, of the binaries that it finds in
// the layers and of the base, and prints "NAME:VERSION DIGEST", the digest that a registry
// gives the image:
//
//	go run ./.ci/sbom -layout LAYOUT -out OUT NAME:VERSION
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	layout := flag.String("layout", "", "directory of an image's OCI layout")
	out := flag.String("out", ".", "directory of the image's SBOMs")
	flag.Parse()
	if flag.NArg() == 0 || *layout != "" && flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "sbom: name the binaries, or NAME:VERSION of the image in -layout")
		os.Exit(2)
	}
	for _, of := range flag.Args() {
		var err error
		if *layout == "" {
			err = writeBinary(of)
		} else {
			err = writeImage(os.Stdout, *layout, of, *out)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "sbom: %s: %v\n", of, err)
			os.Exit(1)
		}
	}
}

func writeBinary(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return err
	}
	return documentOf(filepath.Base(path), content, info).write(path + ".spdx.json")
}

// write writes the document to a file.
func (d *document) write(path string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// noAssertion says that nobody looked.
const noAssertion = "NOASSERTION"

// A document is SPDX 2.3's, as far as it is used; names are the standard's.
type document struct {
	SPDXVersion       string         `json:"spdxVersion"`
	DataLicense       string         `json:"dataLicense"`
	SPDXID            string         `json:"SPDXID"`
	Name              string         `json:"name"`
	DocumentNamespace string         `json:"documentNamespace"`
	CreationInfo      creationInfo   `json:"creationInfo"`
	Packages          []spdxPackage  `json:"packages"`
	Relationships     []relationship `json:"relationships"`
}

type creationInfo struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	SPDXID           string        `json:"SPDXID"`
	Name             string        `json:"name"`
	VersionInfo      string        `json:"versionInfo,omitempty"`
	PackageFileName  string        `json:"packageFileName,omitempty"`
	DownloadLocation string        `json:"downloadLocation"`
	FilesAnalyzed    bool          `json:"filesAnalyzed"`
	Checksums        []checksum    `json:"checksums,omitempty"`
	LicenseConcluded string        `json:"licenseConcluded"`
	LicenseDeclared  string        `json:"licenseDeclared"`
	CopyrightText    string        `json:"copyrightText"`
	ExternalRefs     []externalRef `json:"externalRefs,omitempty"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type externalRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// newDocument is a document about one thing, with nothing in it yet. There is no time
// in it but the epoch.
func newDocument(name, digest, module string) *document {
	return &document{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", Name: name,
		DocumentNamespace: "https://" + module + "/sbom/" + name + "-" + digest,
		CreationInfo:      creationInfo{Created: "1970-01-01T00:00:00Z", Creators: []string{"Tool: " + module + "/.ci/sbom"}},
	}
}

// documentOf describes a binary.
func documentOf(name string, content []byte, info *buildinfo.BuildInfo) *document {
	sum := sha256.Sum256(content)
	d := newDocument(name, hex.EncodeToString(sum[:]), info.Main.Path)
	d.add("SPDXRef-DOCUMENT", "DESCRIBES", d.binary("SPDXRef-binary", name, content, info))
	return d
}

// binary adds a binary, which is made of the main module, its dependencies and the
// standard library, and returns its identifier.
func (d *document) binary(id, name string, content []byte, info *buildinfo.BuildInfo) string {
	sum := sha256.Sum256(content)
	d.Packages = append(d.Packages, spdxPackage{
		SPDXID: id, Name: name, PackageFileName: name, DownloadLocation: noAssertion,
		Checksums:        []checksum{{"SHA256", hex.EncodeToString(sum[:])}},
		LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion,
	})
	d.contain(id, info.Main.Path, versionOf(name, info.Main.Version))
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		d.contain(id, m.Path, m.Version)
	}
	d.contain(id, "stdlib", strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go"))
	return id
}

func (d *document) add(element, kind, related string) {
	d.Relationships = append(d.Relationships, relationship{element, kind, related})
}

// versionOf is the version of the main module: that in the binary's name where the
// linker was not told any, karpenter-VERSION-OS-ARCH.
func versionOf(name, version string) string {
	if version != "" && version != "(devel)" {
		return version
	}
	parts := strings.Split(name, "-")
	if len(parts) < 4 {
		return ""
	}
	return strings.Join(parts[1:len(parts)-2], "-")
}

// contain adds a Go module to what a binary is made of.
func (d *document) contain(binary, path, version string) {
	p := spdxPackage{
		SPDXID: fmt.Sprintf("SPDXRef-module-%d", len(d.Packages)), Name: path, VersionInfo: version, DownloadLocation: noAssertion,
		LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion,
		ExternalRefs: []externalRef{{"PACKAGE-MANAGER", "purl", purl(path, version)}},
	}
	if strings.Contains(path, ".") && version != "" { // a module that a proxy has
		p.DownloadLocation = "https://proxy.golang.org/" + escaped(path) + "/@v/" + escaped(version) + ".zip"
	}
	d.Packages = append(d.Packages, p)
	d.add(binary, "CONTAINS", p.SPDXID)
}

// purl is the package URL of a module.
func purl(path, version string) string {
	text := "pkg:golang/" + strings.ToLower(path)
	if version != "" {
		text += "@" + strings.ReplaceAll(version, "+", "%2B")
	}
	return text
}

// escaped writes upper case as the module proxy wants it.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('!')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
