package scenario

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A validation collects what is wrong with a decoded document.
type validation struct {
	doc  *manifest.Document
	spec *Spec
	errs manifest.Errors
	// features says which parts of PromQL queries may use.
	features fake.Features
}

func (v *validation) fail(path, format string, args ...any) {
	v.errs = append(v.errs, v.doc.Errorf(path, format, args...))
}

func (v *validation) check(s *Scenario) {
	v.checkName("metadata.name", s.Metadata.Name)
	for _, path := range []string{"spec.seed", "spec.start", "spec.duration"} {
		if !v.doc.Has(path) {
			v.fail(path, "required")
		}
	}
	for _, path := range []string{
		"spec.duration", "spec.interval",
		"spec.prometheus.scrapeInterval", "spec.prometheus.lookbackDelta", "spec.prometheus.evaluationInterval",
	} {
		v.checkPositive(path)
	}
	if end := v.spec.Start.Add(time.Duration(v.spec.Duration)); end.Year() > lastYear {
		v.fail("spec.duration", "the run would end in %d; want an end until %d", end.Year(), lastYear)
	}
	if p := v.spec.Controller.Phase; p != "" && p != Aligned && p != Hashed {
		v.fail("spec.controller.phase", "unknown phase %q; allowed: aligned, hashed", p)
	}
	v.checkFeatures()
	v.checkPaths("spec.manifests", v.spec.Manifests)
	v.checkObjects()
	for _, name := range slices.Sorted(maps.Keys(v.spec.Metrics)) {
		v.checkQuery("spec.metrics["+name+"]", v.spec.Metrics[name])
	}
	v.checkPaths("spec.prometheus.ruleFiles", v.spec.Prometheus.RuleFiles)
	v.checkInputSeries()
	v.checkRecordings()
	v.checkController()
	v.checkTargets()
	v.checkWorld()
	v.checkReplay()
	v.checkYardstick()
	v.checkVariants()
	v.checkTune()
	v.checkExpectations()
}

// checkFeatures comes before all queries.
func (v *validation) checkFeatures() {
	for i, name := range v.spec.Prometheus.EnableFeatures {
		if _, err := fake.ParseFeatures(name); err != nil {
			v.fail(index("spec.prometheus.enableFeatures", i), "%v", err)
			return
		}
	}
	v.features, _ = fake.ParseFeatures(v.spec.Prometheus.EnableFeatures...)
}

// namePattern matches names that can be a directory on any system, and part of a line.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`)

// ValidName says whether a scenario or a variant may have a name, which becomes a
// directory's.
func ValidName(name string) bool { return namePattern.MatchString(name) }

func (v *validation) checkName(path, name string) bool {
	switch {
	case name == "":
		v.fail(path, "required")
	case !ValidName(name):
		v.fail(path, "%q cannot name a directory; want at most 100 letters, digits, '-', '_' and '.', a letter or digit first and last", name)
	default:
		return true
	}
	return false
}

// checkPositive refuses a duration that is written as zero.
func (v *validation) checkPositive(path string) {
	if v.doc.Has(path) && v.duration(path) == 0 {
		v.fail(path, "must be more than 0s")
	}
}

func (v *validation) duration(path string) Duration {
	switch path {
	case "spec.duration":
		return v.spec.Duration
	case "spec.interval":
		return v.spec.Interval
	case "spec.prometheus.scrapeInterval":
		return v.spec.Prometheus.ScrapeInterval
	case "spec.prometheus.lookbackDelta":
		return *v.spec.Prometheus.LookbackDelta
	}
	return v.spec.Prometheus.EvaluationInterval
}

func (v *validation) checkPaths(path string, files []string) {
	for i, f := range files {
		switch at := index(path, i); {
		case f == "":
			v.fail(at, "the path is empty")
		case slices.Contains(files[:i], f):
			v.fail(at, "%s is named twice", f)
		}
	}
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// checkInputSeries has the simulated Prometheus parse the series, which bounds
// their repetitions first.
func (v *validation) checkInputSeries() {
	specs := make([]fake.InputSpec, len(v.spec.InputSeries))
	before := len(v.errs)
	for i, s := range v.spec.InputSeries {
		specs[i] = fake.InputSpec{Series: s.Series, Values: s.Values}
		if s.Series == "" {
			v.fail(index("spec.inputSeries", i)+".series", "required")
		}
		if strings.TrimSpace(s.Values) == "" {
			v.fail(index("spec.inputSeries", i)+".values", "required")
		}
	}
	if len(v.errs) > before || v.parseInput("", specs) {
		return
	}
	// One by one, to report every series at its own place.
	for i := range specs {
		v.parseInput(index("spec.inputSeries", i), specs[i:i+1])
	}
	if len(v.errs) == before {
		v.parseInput("spec.inputSeries", specs)
	}
}

// parseInput reports an error at the path, unless that is empty.
func (v *validation) parseInput(at string, specs []fake.InputSpec) bool {
	_, err := fake.InputSeries(0, time.Second, specs)
	if err != nil && at != "" {
		v.fail(at, "%v", err)
	}
	return err == nil
}

func (v *validation) checkRecordings() {
	for i, r := range v.spec.Recordings {
		at := index("spec.recordings", i)
		if r.File == "" {
			v.fail(at+".file", "required")
		}
		v.checkFormat(at, r.Format)
		if r.Shift != "" && r.Shift != ToStart {
			v.fail(at+".shift", "unknown shift %q; allowed: toStart, or absent to keep the timestamps", r.Shift)
		}
		if zone, err := time.LoadLocation(r.Time.Zone); err != nil || zone == time.Local {
			v.fail(at+".time.zone", "unknown time zone %q; want an IANA name such as Europe/Berlin", r.Time.Zone)
		}
		v.checkFactor(at+".scale", r.Scale)
		v.checkColumns(at+".series", r.Series)
	}
}

func (v *validation) checkFormat(at string, f Format) {
	switch f {
	case "", CSV:
	case OpenMetrics, TSDB, JSON, Recorded:
		for _, name := range []string{"time", "series"} {
			if v.doc.Has(at + "." + name) {
				v.fail(at+"."+name, "is for format csv only, not %s", f)
			}
		}
	default:
		v.fail(at+".format", "unknown format %q; allowed: csv, openmetrics, tsdb, json, recording", f)
	}
}

func (v *validation) checkFactor(path string, factor *float64) {
	if factor != nil && !(*factor > 0 && *factor <= math.MaxFloat64) {
		v.fail(path, "want a number above 0, got %v", *factor)
	}
}

func (v *validation) checkTargets() {
	seen := map[Reference]int{}
	for i, t := range v.spec.Targets {
		at := index("spec.targets", i)
		complete := true
		for _, f := range []struct{ name, value string }{{"kind", t.Kind}, {"name", t.Name}} {
			if f.value == "" {
				v.fail(at+"."+f.name, "required")
				complete = false
			}
		}
		switch kind := kindOf(t.Kind); {
		case kind != t.Kind:
			v.fail(at+".kind", "unknown kind %q; did you mean %q?", t.Kind, kind)
		case t.Kind != "" && t.APIVersion == "" && apiVersions[t.Kind] == "":
			v.fail(at+".apiVersion", "required for kind %q", t.Kind)
		}
		if t.Replicas != nil && *t.Replicas < 0 {
			v.fail(at+".replicas", "want 0 or more, got %d", *t.Replicas)
		}
		v.checkCounts(at, &t)
		v.checkStartUp(at, &t)
		v.checkPrice(at, t.PricePerHour, t.Billing)
		v.checkRollouts(at, kindOf(t.Kind), t.Rollouts)
		if t.Counts != nil && len(t.Rollouts) > 0 {
			v.fail(at+".rollouts", "counts say how many replicas there are; remove one of the two")
		}
		if !complete {
			continue
		}
		ref := t.Reference()
		if first, twice := seen[ref]; twice {
			v.fail(at, "%s has two owners; the first is %s at %s", ref, index("spec.targets", first), v.doc.Locate(index("spec.targets", first)))
			continue
		}
		seen[ref] = i
	}
}

// checkStartUp checks how replicas of a target start, and the counts that ran.
func (v *validation) checkStartUp(at string, t *Target) {
	if t.PendingFor > 0 && (t.ReadyAfter == nil || t.ReadyAfter.Recorded || t.PendingFor > t.ReadyAfter.Fixed) {
		v.fail(at+".pendingFor", "%s is to be a part of readyAfter, which is to be a duration that is not shorter", t.PendingFor)
	}
	if t.Recorded == nil {
		return
	}
	for _, f := range []struct{ name, query string }{{"spec", t.Recorded.Spec}, {"ready", t.Recorded.Ready}} {
		if f.query != "" {
			v.checkQuery(at+".recorded."+f.name, f.query)
		}
	}
	if *t.Recorded == (RecordedCounts{}) {
		v.fail(at+".recorded", "want spec, ready or both: PromQL expressions")
	}
}

func (v *validation) checkCounts(at string, t *Target) {
	if t.Counts == nil {
		return
	}
	if t.ReadyAfter != nil && *t.ReadyAfter != (StartUp{}) {
		v.fail(at+".readyAfter", "counts say which replicas are ready; remove one of the two")
	}
	for _, f := range []struct{ name, query string }{{"status", t.Counts.Status}, {"ready", t.Counts.Ready}} {
		if f.query != "" {
			v.checkQuery(at+".counts."+f.name, f.query)
		}
	}
	if *t.Counts == (Counts{}) {
		v.fail(at+".counts", "want status, ready or both: PromQL expressions")
	}
}

// checkPrice checks what a replica or node costs, and for how long.
func (v *validation) checkPrice(at string, price float64, b Billing) {
	if !(price >= 0 && price <= math.MaxInt32) {
		v.fail(at+".pricePerHour", "want 0 or more, got %v", price)
	}
	for _, f := range []struct {
		name string
		d    Duration
	}{{"minimum", b.Minimum}, {"increment", b.Increment}} {
		if time.Duration(f.d)%time.Second != 0 {
			v.fail(at+".billing."+f.name, "want whole seconds, got %s", f.d)
		}
	}
}

// Reference is the target's namespace, kind and name.
func (t Target) Reference() Reference {
	ns := t.Namespace
	if ns == "" {
		ns = manifest.DefaultNamespace
	}
	return Reference{Namespace: ns, Kind: t.Kind, Name: t.Name}
}

func (v *validation) checkReplay() {
	r := v.spec.Replay
	if r == nil {
		return
	}
	v.checkFactor("spec.replay.scale", r.Scale)
	v.checkFactor("spec.replay.saturation", r.Saturation)
	v.checkFactor("spec.replay.capacity", r.Capacity)
	if r.LeadIn < 0 || time.Duration(r.LeadIn)%time.Second != 0 {
		v.fail("spec.replay.leadIn", "want whole seconds, 0s or more, got %s", r.LeadIn)
	}
	switch {
	case r.Demand != "" && r.Capacity == nil:
		v.fail("spec.replay.capacity", "required with demand: how many of its units one replica serves")
	case r.Demand == "" && r.Capacity != nil:
		v.fail("spec.replay.demand", "required with capacity: a PromQL expression in its units")
	}
	if r.Demand != "" {
		v.checkQuery("spec.replay.demand", r.Demand)
	}
	v.checkLag("spec.replay.demandLag", r.DemandLag)
	if r.Demand == "" && r.DemandLag > 0 {
		v.fail("spec.replay.demandLag", "says how far behind demand is, and there is none")
	}
	v.checkReplicas(r.Replicas)
}

// Reserved reports whether a name is that of a column with a meaning of its own.
func Reserved(name string) bool {
	return slices.Contains([]string{result.Recorded, result.Current, result.Baseline, "oracle"}, name)
}

func (v *validation) checkVariants() {
	seen := map[string]bool{}
	for i, variant := range v.spec.Variants {
		at := index("spec.variants", i)
		if v.checkName(at+".name", variant.Name) {
			if seen[variant.Name] || Reserved(variant.Name) {
				v.fail(at+".name", "%q is taken; recorded, current, baseline, oracle and the other variants are columns of the same report", variant.Name)
			}
			seen[variant.Name] = true
		}
		if (len(variant.Manifests) == 0) == (len(variant.Set) == 0) {
			v.fail(at, "want exactly one of manifests and set")
		}
		v.checkPaths(at+".manifests", variant.Manifests)
	}
}

// keyPath is the path of a map's entry.
func keyPath(path, key string) string { return path + "[" + key + "]" }
