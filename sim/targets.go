package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// targetsOf are the scale targets of a column: those that the scenario declares, and
// in a replay what its autoscalers scale besides, each with the start-up and the
// counts that the recording has of it.
func (in *Input) targetsOf(column []Autoscaler) ([]scenario.Target, error) {
	all := in.File.Spec.ScaleTargets()
	replay := in.File.Spec.Replay
	if replay == nil {
		return all, nil
	}
	for _, a := range column {
		ref := referenceOf(a.Target)
		i := slices.IndexFunc(all, func(t scenario.Target) bool { return t.Reference() == ref })
		if i < 0 {
			i = len(all)
			all = append(all, scenario.Target{APIVersion: a.Target.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name})
		}
		t := &all[i]
		if t.Recorded == nil {
			ready, spec, err := in.recordedQueries(a.Target)
			if err != nil {
				return nil, err
			}
			if ready != "" {
				t.Recorded = &scenario.RecordedCounts{Spec: spec, Ready: ready}
			}
		}
		switch {
		case t.ReadyAfter != nil || t.Counts != nil || in.demanded(ref):
		case replay.ReadyAfter != nil:
			given := *replay.ReadyAfter
			t.ReadyAfter = &given
		default:
			pods, err := in.startupsOf(t)
			if err != nil {
				return nil, err
			}
			if len(pods.Pods) > 0 {
				median := pods.Median()
				t.ReadyAfter = &scenario.StartUp{Fixed: scenario.Duration(median.Total())}
				t.PendingFor = scenario.Duration(median.Wait)
			}
		}
	}
	return all, nil
}

// pinTargets writes the targets that a replay's world has into the file's
// spec.targets, so that simulating it needs nothing else to be the same world.
func (in *Input) pinTargets(current []Autoscaler) error {
	if in.File.Spec.Replay == nil {
		return nil
	}
	all, err := in.targetsOf(current)
	if err != nil {
		return err
	}
	spec := &in.File.Spec
	spec.Targets = slices.DeleteFunc(all, func(t scenario.Target) bool {
		return slices.ContainsFunc(spec.Workloads, func(w scenario.Workload) bool { return w.Reference() == t.Reference() })
	})
	return nil
}

// startupsOf are the recorded start-ups of a target's pods.
func (in *Input) startupsOf(t *scenario.Target) (recording.Startups, error) {
	return recording.StartupsOf(in.recordings, t.Kind, t.Namespace, t.Name)
}

// addTargets puts the column's targets into the world.
func (r *run) addTargets(column []Autoscaler) error {
	all, err := r.in.targetsOf(column)
	if err != nil {
		return err
	}
	r.declared = map[*world.Target]*scenario.Target{}
	for i := range all {
		t := &all[i]
		if r.part.leavesOut(t.Reference()) {
			continue
		}
		target := &world.Target{Ref: refOf(t)}
		if err := r.targets.Add(target); err != nil {
			return err
		}
		r.declared[target] = t
		if t.Counts != nil {
			r.counted = append(r.counted, &countedTarget{run: r, target: target, path: fmt.Sprintf("spec.targets[%d].counts", i), declared: *t.Counts})
		}
		if err := r.startUp(target, t, i); err != nil {
			return err
		}
		r.addRollouts(t.Reference(), t.Rollouts, func(rollout world.Rollout) { r.targets.Rollout(target, rollout) })
	}
	return nil
}

// startUp has the new replicas of a target start as it says, and in a replay says
// how that is related to what was recorded.
func (r *run) startUp(target *world.Target, t *scenario.Target, i int) error {
	given := t.ReadyAfter
	if given != nil && !given.Recorded {
		target.ReadyAfter, target.PendingFor = time.Duration(given.Fixed), time.Duration(t.PendingFor)
	}
	if r.o.ReadyAfter != nil {
		target.ReadyAfter, target.PendingFor = *r.o.ReadyAfter, 0
		return nil
	}
	draws := given != nil && given.Recorded
	if r.in.File.Spec.Replay == nil && !draws || t.Counts != nil || r.in.demanded(t.Reference()) {
		return nil
	}
	pods, err := r.in.startupsOf(t)
	switch {
	case err != nil:
		return err
	case draws && len(pods.Pods) == 0:
		return r.in.File.Doc.Errorf(r.in.startUpPath(i), "%s is to start as its recorded pods did, and the recording has no pod of it with kube_pod_created and kube_pod_status_ready_time; give a duration, such as 30s", t.Reference())
	case draws && pods.Older:
		return r.in.File.Doc.Errorf(r.in.startUpPath(i), "%s is to start as its recorded pods did, and none of its %d recorded pods was created during the recording, so that only their median, %s, means something; give that, or another duration",
			t.Reference(), len(pods.Pods), scenario.Duration(pods.Median().Total()))
	case draws:
		random := world.Random(r.in.File.Spec.Seed, t.Reference().String()+" start-up")
		target.Startup = func() (wait, boot time.Duration) {
			s := pods.Pods[random.IntN(len(pods.Pods))]
			if r.o.NodesAtOnce {
				s.Wait = 0
			}
			return s.Wait, s.Boot
		}
	}
	r.noteStartUp(t, &pods)
	return nil
}

// startUpPath is the field that says how a target starts.
func (in *Input) startUpPath(i int) string {
	if path := fmt.Sprintf("spec.targets[%d].readyAfter", i); in.File.Doc.Has(path) {
		return path
	}
	return "spec.replay.readyAfter"
}

// noteStartUp says how long new replicas take, and what the recorded pods took.
func (r *run) noteStartUp(t *scenario.Target, recorded *recording.Startups) {
	pods := recorded.Pods
	switch {
	case len(pods) == 0 && t.ReadyAfter == nil:
		r.assume("new replicas of %s are ready at once: the recording has no pod start-up times", t.Name)
		return
	case len(pods) == 0:
		r.assume("new replicas of %s are ready after %s", t.Name, t.ReadyAfter)
		return
	}
	median := scenario.Duration(recorded.Median().Total())
	between := fmt.Sprintf("%s to %s", scenario.Duration(pods[0].Total()), scenario.Duration(pods[len(pods)-1].Total()))
	switch {
	case t.ReadyAfter.Recorded:
		r.assume("new replicas of %s are ready after %s (median %s), each after the time that one of %d recorded pods took%s", t.Name, between, median, len(pods), waits(pods))
	case recorded.Older:
		r.assume("new replicas of %s are ready after %s; %d recorded pods took %s at the median, none of which was created during the recording", t.Name, t.ReadyAfter, len(pods), median)
	default:
		r.assume("new replicas of %s are ready after %s; %d recorded pods took %s, %s at the median%s", t.Name, t.ReadyAfter, len(pods), between, median, waits(pods))
	}
}

// waits says how long recorded pods waited for a node, where any did.
func waits(pods []recording.Startup) string {
	var waited int
	var longest time.Duration
	for _, s := range pods {
		if s.Wait > 0 {
			waited++
		}
		longest = max(longest, s.Wait)
	}
	if waited == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of them waited for a node, up to %s", waited, scenario.Duration(longest))
}
