package recording

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

const kubeText = `# TYPE kube_deployment_spec_replicas gauge
kube_deployment_spec_replicas{namespace="shop",deployment="web"} 3 1000
kube_deployment_spec_replicas{namespace="shop",deployment="other"} 3 1000
kube_deployment_status_replicas_ready{namespace="shop",deployment="web"} 3 1000
kube_horizontalpodautoscaler_spec_min_replicas{namespace="shop",horizontalpodautoscaler="any"} 3 1000
karpenter_horizontalautoscaler_max_replicas{namespace="shop",name="any"} 9 1000
karpenter_horizontalautoscaler_missed_slots_total{namespace="shop",name="any"} 9 1000
kube_pod_created{namespace="shop",pod="web-1"} 900 1000
kube_pod_created{namespace="shop",pod="web-2"} 900 1000
kube_pod_created{namespace="shop",pod="web-3"} 900 1000
kube_pod_created{namespace="shop",pod="website"} 900 1000
kube_pod_status_ready_time{namespace="shop",pod="web-1"} 910 1000
kube_pod_status_ready_time{namespace="shop",pod="web-1"} 5000 6000
kube_pod_status_ready_time{namespace="shop",pod="web-2"} 930 1000
kube_pod_status_ready_time{namespace="shop",pod="web-3"} 0 1000
kube_pod_status_ready_time{namespace="shop",pod="web-3"} 920 1100
kube_pod_status_ready_time{namespace="shop",pod="website"} 999 1000
# EOF
`

func TestStartupsOf(t *testing.T) {
	cases := map[string]struct {
		reason, text, kind, name string
		want                     Startups
	}{
		"Older": {
			reason: "pods created before the recording may have lost their readiness since, and the median of all is the lower of the two in the middle",
			text:   kubeText, kind: "Deployment", name: "web",
			want: Startups{Older: true, Pods: []Startup{{0, 10 * time.Second}, {0, 20 * time.Second}, {0, 30 * time.Second}}},
		},
		"None": {
			reason: "a workload without recorded pods has no start-up times",
			text:   kubeText, kind: "Deployment", name: "absent",
		},
		"During": {
			reason: "of pods created during the recording the first start counts; one that became ready again after days says nothing beside them",
			text: `# TYPE kube_pod_created gauge
kube_pod_created{namespace="shop",pod="web-old"} 1000 500000
kube_pod_created{namespace="shop",pod="web-a"} 500010 500060
kube_pod_created{namespace="shop",pod="web-b"} 500010 500060
kube_pod_status_ready_time{namespace="shop",pod="web-old"} 499000 500000
kube_pod_status_ready_time{namespace="shop",pod="web-a"} 500050 500060
kube_pod_status_ready_time{namespace="shop",pod="web-a"} 503000 503060
kube_pod_status_ready_time{namespace="shop",pod="web-b"} 500020.25 500060
# EOF
`, kind: "Deployment", name: "web",
			want: Startups{Pods: []Startup{{0, 10250 * time.Millisecond}, {0, 40 * time.Second}}},
		},
		"Waited": {
			reason: "what was scheduled later than created waited for a node; a time out of order is none",
			text: `# TYPE kube_pod_created gauge
kube_pod_created{namespace="shop",pod="web-a"} 1000 1000
kube_pod_created{namespace="shop",pod="web-b"} 1000 1000
kube_pod_created{namespace="shop",pod="web-c"} 1000 1000
kube_pod_status_scheduled_time{namespace="shop",pod="web-a"} 1090 1100
kube_pod_status_scheduled_time{namespace="shop",pod="web-b"} 1000 1100
kube_pod_status_scheduled_time{namespace="shop",pod="web-c"} 1200 1200
kube_pod_status_ready_time{namespace="shop",pod="web-a"} 1100 1100
kube_pod_status_ready_time{namespace="shop",pod="web-b"} 1010 1100
kube_pod_status_ready_time{namespace="shop",pod="web-c"} 1020 1100
# EOF
`, kind: "Deployment", name: "web",
			want: Startups{Pods: []Startup{{0, 10 * time.Second}, {0, 20 * time.Second}, {90 * time.Second, 10 * time.Second}}},
		},
		"Again": {
			reason: "a StatefulSet's pods come again by the same name and are others by their UIDs",
			text: `# TYPE kube_pod_created gauge
kube_pod_created{namespace="shop",pod="db-0",uid="1"} 1000 1000
kube_pod_created{namespace="shop",pod="db-0",uid="2"} 2000 2000
kube_pod_status_ready_time{namespace="shop",pod="db-0",uid="1"} 1010 1060
kube_pod_status_ready_time{namespace="shop",pod="db-0",uid="2"} 2030 2060
# EOF
`, kind: "StatefulSet", name: "db",
			want: Startups{Pods: []Startup{{0, 10 * time.Second}, {0, 30 * time.Second}}},
		},
		"Absurd": {
			reason: "instants that are no times, or out of order, tell nothing",
			text: `# TYPE kube_pod_created gauge
kube_pod_created{namespace="shop",pod="web-a"} 1000 1000
kube_pod_created{namespace="shop",pod="web-b"} 1000 1000
kube_pod_created{namespace="shop",pod="web-c"} 1000 1000
kube_pod_status_ready_time{namespace="shop",pod="web-a"} +Inf 1100
kube_pod_status_ready_time{namespace="shop",pod="web-b"} 1e30 1100
kube_pod_status_ready_time{namespace="shop",pod="web-c"} 900 1100
# EOF
`, kind: "Deployment", name: "web",
		},
		"Namesakes": {
			reason: "pods of another workload whose name begins alike are left out where the names tell them apart",
			text: `# TYPE kube_pod_created gauge
kube_pod_created{namespace="shop",pod="web-7f9c5d6b8f-b4x2k"} 1000 1000
kube_pod_created{namespace="shop",pod="web-worker-7f9c5d6b8f-b4x2k"} 1000 1000
kube_pod_created{namespace="shop",pod="web-worker-7f9c5d6b8f-b4x2l"} 1000 1000
# TYPE kube_pod_status_ready_time gauge
kube_pod_status_ready_time{namespace="shop",pod="web-7f9c5d6b8f-b4x2k"} 1010 1100
kube_pod_status_ready_time{namespace="shop",pod="web-worker-7f9c5d6b8f-b4x2k"} 1090 1100
kube_pod_status_ready_time{namespace="shop",pod="web-worker-7f9c5d6b8f-b4x2l"} 1090 1100
# EOF
`, kind: "Deployment", name: "web",
			want: Startups{Pods: []Startup{{0, 10 * time.Second}}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			recordings := []*Recording{open(t, Spec{Path: write(t, "kube.om", c.text), Scale: 2})}
			got, err := StartupsOf(recordings, c.kind, "shop", c.name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func TestContextSelectors(t *testing.T) {
	r := open(t, Spec{Path: write(t, "kube.om", kubeText)})
	series, err := r.Series(Matchers(ContextSelectors("Deployment", "shop", "web")))
	if err != nil {
		t.Fatal(err)
	}
	// Two of the deployment, one of an HPA, one of an autoscaler, three pods twice.
	if len(series) != 10 {
		t.Errorf("%d series: %v", len(series), series)
	}
	matched := func(kind string, series string) bool {
		l, err := fake.EveryFeature.Parser().ParseMetric(series)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(ContextSelectors(kind, "shop", "web"), func(s Selector) bool {
			return !slices.ContainsFunc(s.Matchers, func(m *labels.Matcher) bool { return !m.Matches(l.Get(m.Name)) })
		})
	}
	for _, c := range []struct {
		kind, series string
		want         bool
	}{
		{"ScalableNodeGroup", `karpenter_scalablenodegroup_ready_replicas{namespace="shop",name="web"}`, true},
		{"ScalableNodeGroup", `karpenter_scalablenodegroup_trouble{namespace="shop",name="web",code="LimitReached"}`, true},
		{"ScalableNodeGroup", `karpenter_scalablenodegroup_ready_replicas{namespace="shop",name="other"}`, false},
		{"ScalableNodeGroup", `karpenter_horizontalautoscaler_max_replicas{namespace="shop",name="any"}`, true},
		{"Rollout", `karpenter_horizontalautoscaler_max_replicas{namespace="shop",name="any"}`, true},
		{"Rollout", `karpenter_scalablenodegroup_ready_replicas{namespace="shop",name="web"}`, false},
	} {
		if got := matched(c.kind, c.series); got != c.want {
			t.Errorf("a recording of a %s has %s: %v, want %v", c.kind, c.series, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	recordings := []*Recording{
		open(t, Spec{Path: write(t, "kube.om", kubeText)}),
		open(t, Spec{Path: write(t, "a.csv", "ts,value\n1,1\n")}),
	}
	names, more, err := Names(recordings, 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"karpenter_horizontalautoscaler_max_replicas", "karpenter_horizontalautoscaler_missed_slots_total"}, names); diff != "" || more != 6 {
		t.Errorf("%d more (-want +got):\n%s", more, diff)
	}
}

func TestCheckGaps(t *testing.T) {
	cases := map[string]struct {
		reason string
		texts  []string
		want   string
	}{
		"Year":    {"a year apart is a gap", []string{"ts,a\n2026-01-05 00:00:00,1\n2027-01-05 00:00:00,1\n", "ts,b\n2028-01-05 00:00:00,1\n"}, ""},
		"Century": {"a time that cannot be meant", []string{"ts,a\n2026-01-05 08:00:00,1\n2126-01-05 08:01:00,1\n"}, "0.csv:3:1: 2126-01-05 08:01:00 comes 36524 days after line 2; a gap of more than 366 days is taken for a wrong time"},
		"Between": {"recordings of other years", []string{"ts,a\n2026-01-05 08:00:00,1\n", "ts,b\n2014-01-05 08:00:00,1\n2014-01-06 08:00:00,1\n"}, "0.csv begins at 2026-01-05T08:00:00Z, 4382 days after "},
		"Within":  {"a short one in a long one leaves no gap", []string{"ts,a\n2026-01-05 08:00:00,1\n2026-12-05 08:00:00,1\n", "ts,b\n2026-01-06 08:00:00,1\n", "ts,c\n2027-06-05 08:00:00,1\n"}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var recordings []*Recording
			for i, text := range c.texts {
				recordings = append(recordings, open(t, Spec{Path: write(t, fmt.Sprintf("%d.csv", i), text)}))
			}
			err := CheckGaps(recordings)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: %v, want %q", c.reason, err, c.want)
			}
		})
	}
}

func TestCheckDistinct(t *testing.T) {
	a := open(t, Spec{Path: write(t, "a.csv", "ts,value\n1,1\n")})
	b := open(t, Spec{Path: write(t, "b.csv", "ts,value\n1,1\n")})
	c := open(t, Spec{Path: write(t, "c.csv", "ts,value\n1,1\n"), Series: map[string]string{"value": `value{lb="c"}`}})
	if err := CheckDistinct([]*Recording{a, c}); err != nil {
		t.Errorf("told apart by a label: %v", err)
	}
	err := CheckDistinct([]*Recording{a, c, b})
	if err == nil || !strings.Contains(err.Error(), `both have the series value; name the columns apart with --series COLUMN='name{label="x"}'`) {
		t.Errorf("the same name: %v", err)
	}
}
