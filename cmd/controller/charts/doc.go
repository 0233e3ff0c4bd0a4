// Package charts has the Helm chart of the controller and renders it the way
// helm does, so that releases for kubectl come from the same source.
//
// The templates keep to what text/template offers and the few functions of
// helm's in [functions]; their meaning here is helm's.
package charts
