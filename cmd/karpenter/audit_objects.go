package main

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/autoscalers"
	"github.com/karpenter-sim/karpenter/reports/fleet"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// liveObjects say which objects an audit is of.
type liveObjects struct {
	// config reaches the cluster; nil where they come from files.
	config *rest.Config
	// context is the kubeconfig's, if it has one.
	context string
	// namespace is theirs, empty for all.
	namespace string
	// key tells this audit from others.
	key string
}

// fetch lists the autoscalers of the cluster, and the producers that they may read. A
// kind that may not be listed is a row.
func (l *liveAudit) fetch(ctx context.Context) (manifests map[string][]byte, unlisted []fleet.Finding, err error) {
	client, err := dynamic.NewForConfig(l.objects.config)
	if err != nil {
		return nil, nil, fmt.Errorf("kubeconfig: %w", err)
	}
	manifests = map[string][]byte{}
	var denied error
	for _, resource := range append(autoscalers.All(), autoscalers.Producers) {
		err := autoscalers.Each(ctx, client, resource, l.objects.namespace, func(o *unstructured.Unstructured) error {
			autoscalers.Clean(o)
			text, err := manifest.Marshal(o.Object)
			if err != nil {
				return internal(err)
			}
			manifests[path.Join(o.GetNamespace(), kindName(o.GetKind()), o.GetName()+".yaml")] = text
			return nil
		})
		if autoscalers.Forbidden(err) {
			denied = err
			unlisted = append(unlisted, fleet.Finding{Object: resource.Resource, Unjudged: fmt.Sprintf("%v; needed is the right to list them", err)})
			continue
		}
		if err != nil {
			return nil, nil, err
		}
	}
	switch {
	case len(manifests) == 0 && denied != nil:
		return nil, nil, fmt.Errorf("%w; needed is the right to list them", denied)
	case len(manifests) == 0 && l.objects.namespace != "":
		return nil, nil, fmt.Errorf("no autoscaler in the namespace %s; name another one with -n, or all with -A", l.objects.namespace)
	case len(manifests) == 0:
		return nil, nil, fmt.Errorf("no autoscaler in the cluster")
	}
	l.note("%s of the context %s", counted(len(manifests), "object"), l.objects.context)
	return manifests, unlisted, nil
}

// kindName is the name of a kind in rows.
func kindName(kind string) string {
	if kind == "HorizontalPodAutoscaler" {
		return "hpa"
	}
	return cmp.Or(journal.ShortName(kind), strings.ToLower(kind))
}

// load reads the objects' manifests. What cannot be read is a row.
func (l *liveAudit) load() (*manifest.Set, []fleet.Finding, error) {
	if len(l.flags.Manifests) > 0 {
		set, unread, err := manifest.LoadEach(l.flags.Namespace, l.flags.Manifests, nil)
		return set, unreadRows(unread), err
	}
	var readable []string
	var broken []fleet.Finding
	for _, file := range l.state.Manifests() {
		if _, err := manifest.LoadIn("", []string{file}, nil); err != nil {
			broken = append(broken, fleet.Finding{Object: objectOf(file), Unjudged: oneLineOf(err), File: file})
			continue
		}
		readable = append(readable, file)
	}
	set, err := manifest.LoadIn("", readable, nil)
	return set, broken, err
}

// objectOf is the object whose manifest a file of the state is, as NS/KIND/NAME.
func objectOf(file string) string {
	kind, name := filepath.Split(file)
	return fmt.Sprintf("%s/%s/%s", filepath.Base(filepath.Dir(filepath.Clean(kind))), filepath.Base(kind), strings.TrimSuffix(name, ".yaml"))
}
