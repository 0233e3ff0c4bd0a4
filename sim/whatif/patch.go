package whatif

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// A Patch makes a fix in the object as it is written: a HorizontalPodAutoscaler, a
// ScaledObject or a HorizontalAutoscaler, for kubectl patch.
type Patch struct {
	// Type is merge or json.
	Type string `json:"type"`
	Body string `json:"body"`
	// Command applies it.
	Command string `json:"command"`
}

// An edit is one field of the object as it is written.
type edit struct {
	path  string
	value any
}

// PatchOf turns the assignments of a fix into a patch of the object that an
// autoscaler was written as. It is an error if that has no such field.
func PatchOf(e *manifest.Autoscaler, set []string) (*Patch, error) {
	var edits []edit
	for _, text := range set {
		path, value, _ := strings.Cut(text, "=")
		if _, own, found := strings.Cut(path, ":"); found {
			path = own
		}
		one, err := editOf(e, path, value)
		if err != nil {
			return nil, err
		}
		edits = append(edits, one...)
	}
	p := &Patch{Type: "merge"}
	for _, x := range edits {
		if strings.Contains(x.path, "[") {
			p.Type = "json" // a merge would replace the list
		}
	}
	var body any
	if p.Type == "json" {
		body = operations(edits)
	} else {
		body = merged(edits)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	p.Body = string(text)
	p.Command = fmt.Sprintf("kubectl -n %s patch %s %s --type=%s -p '%s'", e.Object.Namespace, strings.ToLower(e.Doc.Kind), e.Object.Name, p.Type, p.Body)
	return p, nil
}

// editOf is an assignment to an autoscaler in terms of what it was written as.
func editOf(e *manifest.Autoscaler, path, value string) ([]edit, error) {
	field, rest := path, ""
	const behavior = "spec.behavior."
	if after, ok := strings.CutPrefix(path, behavior); ok {
		field, rest = behavior, after
	}
	native := e.Doc.Kind != "HorizontalAutoscaler"
	if native && field == behavior && rest != "algorithm" && e.Object.Spec.Behavior.Algorithm != "" {
		return nil, fmt.Errorf("the %s has no behavior, and with any it would decide by another algorithm", e.Doc.Kind)
	}
	keda := e.Doc.Kind == "ScaledObject"
	switch {
	case !native && path == "spec.behavior.algorithm":
		return []edit{{path, nil}}, nil
	case native && rest == "algorithm":
		// Any behavior replaces the older algorithm.
		return []edit{{behaviorOf(keda) + "scaleUp.policies", unlimited(e)}}, nil
	case native && rest == "scaleUp.policies":
		return []edit{{behaviorOf(keda) + rest, unlimited(e)}}, nil
	case field == behavior:
		if !native {
			keda = false
		}
		return []edit{{behaviorOf(keda) + rest, valueOf(rest, value)}}, nil
	case keda && path == "spec.maxReplicas":
		return []edit{{"spec.maxReplicaCount", valueOf(path, value)}}, nil
	case path == "spec.maxReplicas":
		return []edit{{path, valueOf(path, value)}}, nil
	case strings.HasPrefix(path, "spec.metrics["):
		source := path
		if native {
			source = e.Doc.Errorf(path, "").Field
		}
		last := source[strings.LastIndexByte(source, '.')+1:]
		switch last {
		case "averageUtilization":
			return []edit{{source, valueOf(path, value)}}, nil
		case "averageValue", "value", "threshold":
			return []edit{{source, value}}, nil
		}
		return nil, fmt.Errorf("%s has no field of its own for %s", e.Doc.Kind, path)
	case !native:
		return []edit{{path, valueOf(path, value)}}, nil
	case path == "spec.pollingIntervalSeconds":
		return nil, fmt.Errorf("the polling interval of a %s is a flag of kube-controller-manager, --horizontal-pod-autoscaler-sync-period", e.Doc.Kind)
	}
	return nil, fmt.Errorf("a %s has no %s", e.Doc.Kind, path)
}

func behaviorOf(keda bool) string {
	if keda {
		return "spec.advanced.horizontalPodAutoscalerConfig.behavior."
	}
	return "spec.behavior."
}

// unlimited are rate policies of an HPA that limit nothing: without any it has
// defaults.
func unlimited(e *manifest.Autoscaler) any {
	return []map[string]any{{"type": "Pods", "value": e.Object.Spec.MaxReplicas, "periodSeconds": 15}}
}

// valueOf is a value as JSON has it: a quantity is a string.
func valueOf(path, text string) any {
	if text == "null" {
		return nil
	}
	if b, err := strconv.ParseBool(text); err == nil && strings.HasSuffix(path, "dryRun") {
		return b
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && !strings.HasSuffix(path, "olerance") {
		return n
	}
	return text
}

// merged is a JSON merge patch (RFC 7386).
func merged(edits []edit) map[string]any {
	root := map[string]any{}
	for _, x := range edits {
		at, steps := root, strings.Split(x.path, ".")
		for _, step := range steps[:len(steps)-1] {
			next, ok := at[step].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[step] = next
			}
			at = next
		}
		at[steps[len(steps)-1]] = x.value
	}
	return root
}

// operations is a JSON patch (RFC 6902).
func operations(edits []edit) []map[string]any {
	list := []map[string]any{}
	for _, x := range edits {
		pointer := "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(x.path)
		list = append(list, map[string]any{"op": "replace", "path": pointer, "value": x.value})
	}
	return list
}
