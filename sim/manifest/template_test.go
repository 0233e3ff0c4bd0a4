package manifest

import "testing"

// TestRendering says how what only stands for manifests becomes some.
func TestRendering(t *testing.T) {
	for name, c := range map[string]struct{ reason, got, want string }{
		"Chart":         {"the chart of a template is known from its path", templateError("charts/web/templates/hpa.yaml", Position{}).Message, "a template that is not rendered yet; render it first, e.g. helm template RELEASE charts/web | karpenter ... -f -"},
		"ChartHere":     {"or is the directory", templateError("templates/hpa.yaml", Position{}).Message, "a template that is not rendered yet; render it first, e.g. helm template RELEASE . | karpenter ... -f -"},
		"ChartAbsolute": {"or stands elsewhere", templateError("/srv/web/templates/a/hpa.yaml", Position{}).Message, "a template that is not rendered yet; render it first, e.g. helm template RELEASE /srv/web | karpenter ... -f -"},
		"Kustomization": {"Kustomize", Skipped{APIVersion: "kustomize.config.k8s.io/v1beta1", Kind: "Kustomization"}.Cure(), "; it only names manifests: render it first, e.g. kubectl kustomize DIR | karpenter ... -f -"},
		"OpenShift":     {"OpenShift's templates", Skipped{APIVersion: "template.openshift.io/v1", Kind: "Template"}.Cure(), "; it is rendered by oc process --local -f FILE | karpenter ... -f -"},
		"Flux":          {"Flux", Skipped{APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease"}.Cure(), "; it only names manifests: render them first, e.g. helm template RELEASE CHART | karpenter ... -f -"},
		"Deployment":    {"others are of no interest", Skipped{APIVersion: "apps/v1", Kind: "Deployment"}.Cure(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("%s: %s\nwant %s", c.reason, c.got, c.want)
			}
		})
	}
}
