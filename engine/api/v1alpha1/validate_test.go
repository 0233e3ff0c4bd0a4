package v1alpha1

import (
	"context"
	"fmt"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// An admission judges objects of one kind as an API server would on create.
type admission struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// admissions returns an admission for every kind of the embedded CRDs.
func admissions(t *testing.T) map[string]admission {
	t.Helper()
	definitions, err := CRDs()
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string]admission{}
	for _, definition := range definitions {
		props := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
		var internal apiextensions.JSONSchemaProps
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, &internal, nil); err != nil {
			t.Fatal(err)
		}
		structural, err := structuralschema.NewStructural(&internal)
		if err != nil {
			t.Fatal(err)
		}
		schema, _, err := validation.NewSchemaValidator(&internal)
		if err != nil {
			t.Fatal(err)
		}
		byKind[definition.Spec.Names.Kind] = admission{
			structural: structural,
			schema:     schema,
			rules:      cel.NewValidator(structural, true, celconfig.PerCallLimit),
		}
	}
	return byKind
}

// judge returns what an API server would answer to the creation of object,
// with unknown fields as errors (kubectl's strict field validation).
func (a admission) judge(object map[string]any) field.ErrorList {
	var errs field.ErrorList
	pruned := pruning.PruneWithOptions(object, a.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range pruned {
		errs = append(errs, field.Invalid(field.NewPath(path), nil, "unknown field"))
	}
	errs = append(errs, validation.ValidateCustomResource(nil, object, a.schema)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, a.structural, object)...)
	if blocked(errs) {
		return errs
	}
	violations, _ := a.rules.Validate(context.Background(), nil, a.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, violations...)
}

// blocked tells whether an API server would leave the CEL rules unevaluated.
func blocked(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong,
			field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
	}
	return false
}

// kindOf returns the admission for an object's kind.
func kindOf(byKind map[string]admission, object map[string]any) (admission, error) {
	kind, _ := object["kind"].(string)
	a, ok := byKind[kind]
	if !ok {
		return admission{}, fmt.Errorf("no CRD for kind %q", kind)
	}
	return a, nil
}
