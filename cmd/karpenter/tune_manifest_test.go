package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

func TestTuneManifest(t *testing.T) {
	got := call(t, "", "tune", "manifest", "--image", "karpenter:v1", "--claim", "recordings", "--shards", "4", "--parallelism", "2",
		"--", "my week.yaml", "--constraint", "breach_minutes <= 5", "--parameter", "spec.x=[$(a),b]")
	got.want(t, exitOK, "")
	docs := strings.Split(got.stdout, "---\n")
	if len(docs) != 2 {
		t.Fatalf("%d documents, want the search and the merge\n%s", len(docs), got.stdout)
	}
	var search, merge batchv1.Job
	for i, job := range []*batchv1.Job{&search, &merge} {
		if err := yaml.UnmarshalStrict([]byte(docs[i]), job); err != nil {
			t.Fatal(err)
		}
	}
	if *search.Spec.CompletionMode != batchv1.IndexedCompletion || *search.Spec.Completions != 4 || *search.Spec.Parallelism != 2 {
		t.Errorf("want an Indexed Job of 4 pods, 2 at once:\n%s", docs[0])
	}
	args := strings.Join(search.Spec.Template.Spec.Containers[0].Args, "\n")
	if want := "tune\nmy week.yaml\n--constraint\nbreach_minutes <= 5\n--parameter\nspec.x=[$$(a),b]\n--shard=$(JOB_COMPLETION_INDEX)+1/4\n--out=/data/tune/shard-$(JOB_COMPLETION_INDEX)\n--resume\n--quiet"; args != want {
		t.Errorf("arguments\n%s\nwant\n%s", args, want)
	}
	if !*merge.Spec.Suspend || !strings.Contains(strings.Join(merge.Spec.Template.Spec.Containers[0].Args, " "), "tune merge /data/tune/shard-0 /data/tune/shard-1 /data/tune/shard-2 /data/tune/shard-3 --out=/data/tune/result") {
		t.Errorf("want a suspended merge of all shards:\n%s", docs[1])
	}
}

// TestTuneManifestImage holds that a release names the image that it is published
// as.
func TestTuneManifestImage(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	published := regexp.MustCompile(`(?m)^KO_DOCKER_REPO \?= (\S+)$`).FindSubmatch(makefile)
	if published == nil || !bytes.Contains(makefile, []byte(" --base-import-paths ")) || !bytes.Contains(makefile, []byte(" ./cmd/karpenter\n")) {
		t.Fatal("make images does not publish this program by the name of its directory")
	}
	for version, want := range map[string]string{
		"v0.1.0":              string(published[1]) + "/karpenter:v0.1.0",
		"v0.1.0-rc.1":         string(published[1]) + "/karpenter:v0.1.0-rc.1",
		"dev":                 "",
		"ff9a2fc-dirty":       "",
		"v0.1.0+not.in.a.tag": "",
	} {
		release = version
		got := call(t, "", "tune", "manifest", "--claim", "recordings", "--", "week.yaml")
		release = "dev"
		if want == "" {
			got.refused(t, "--image is required")
			continue
		}
		if got.want(t, exitOK, ""); strings.Count(got.stdout, "image: "+want+"\n") != 2 {
			t.Errorf("%s: want both Jobs run %s:\n%s", version, want, got.stdout)
		}
	}
}

func TestTuneManifestRefuses(t *testing.T) {
	cases := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"NoImage":     {"pods run an image", []string{"--claim", "c", "--", "s.yaml"}, "--image is required"},
		"NoClaim":     {"pods share a volume", []string{"--image", "i", "--", "s.yaml"}, "--claim is required"},
		"NoShards":    {"there is a pod", []string{"--image", "i", "--claim", "c", "--shards", "0", "--", "s.yaml"}, "--shards 0: want 1 to 1000"},
		"Parallelism": {"no more pods at once than there are", []string{"--image", "i", "--claim", "c", "--parallelism", "9", "--", "s.yaml"}, "--parallelism 9: want 1 to 8"},
		"Name":        {"names are those of Kubernetes", []string{"--image", "i", "--claim", "c", "--name", "A b", "--", "s.yaml"}, "--name A b-merge: "},
		"CPU":         {"quantities are those of Kubernetes", []string{"--image", "i", "--claim", "c", "--cpu", "much", "--", "s.yaml"}, "--cpu much: want a quantity above 0"},
		"Relative":    {"a volume is mounted at an absolute path", []string{"--image", "i", "--claim", "c", "--data", "here", "--", "s.yaml"}, "--data here: want an absolute path"},
		"Out":         {"the Job says where results go", []string{"--image", "i", "--claim", "c", "--", "s.yaml", "--out=x"}, "--out: the Job says that itself"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			call(t, "", append([]string{"tune", "manifest"}, c.args...)...).refused(t, c.want)
		})
	}
}
