package main

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// TestDocument holds an SBOM to what SPDX 2.3 asks for, of a binary that is this test.
func TestDocument(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	info.Main.Path, info.Main.Version = "example.com/Main", "(devel)"
	info.Deps = append(info.Deps, &debug.Module{Path: "github.com/Azure/x", Version: "v1.0.0+incompatible"}, &debug.Module{Path: "a.b/c", Version: "v1", Replace: &debug.Module{Path: "d.e/f", Version: "v2.0.0"}})
	d := documentOf("karpenter-v0.1.0-rc.1-linux-amd64", content, info)
	if d.SPDXVersion != "SPDX-2.3" || d.DataLicense != "CC0-1.0" || d.SPDXID != "SPDXRef-DOCUMENT" || !strings.HasPrefix(d.DocumentNamespace, "https://") || strings.Contains(d.DocumentNamespace, "#") {
		t.Errorf("%+v", d)
	}
	valid := regexp.MustCompile(`^SPDXRef-[a-zA-Z0-9.-]+$`)
	var ids, names []string
	for _, p := range d.Packages {
		if !valid.MatchString(p.SPDXID) || slices.Contains(ids, p.SPDXID) || p.DownloadLocation == "" {
			t.Errorf("package %+v", p)
		}
		ids, names = append(ids, p.SPDXID), append(names, p.Name+" "+p.VersionInfo+" "+p.DownloadLocation)
	}
	for _, r := range d.Relationships {
		if !slices.Contains(ids, r.Related) || r.Element != d.SPDXID && !slices.Contains(ids, r.Element) {
			t.Errorf("relationship %+v", r)
		}
	}
	for _, want := range []string{
		"example.com/Main v0.1.0-rc.1 https://proxy.golang.org/example.com/!main/@v/v0.1.0-rc.1.zip",
		"github.com/Azure/x v1.0.0+incompatible https://proxy.golang.org/github.com/!azure/x/@v/v1.0.0+incompatible.zip",
		"d.e/f v2.0.0 https://proxy.golang.org/d.e/f/@v/v2.0.0.zip",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("no package %s in\n%s", want, strings.Join(names, "\n"))
		}
	}
	if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "stdlib 1.") }) {
		t.Error("no standard library")
	}
	one, _ := json.Marshal(d)
	other, _ := json.Marshal(documentOf("karpenter-v0.1.0-rc.1-linux-amd64", content, info))
	if string(one) != string(other) || !strings.Contains(string(one), `"referenceLocator":"pkg:golang/github.com/azure/x@v1.0.0%2Bincompatible"`) {
		t.Errorf("%.300s", one)
	}
}
