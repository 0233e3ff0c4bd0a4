// Package dashboards keeps a Grafana dashboard (grafana.json) and alerting rules
// (alerts.yaml) for the controller's own metrics, and the tests that tie them to
// the metrics that there are.
package dashboards

import _ "embed"

// Alerts is a rule file of Prometheus with the alerts of the controller.
//
//go:embed alerts.yaml
var Alerts []byte

// Grafana is the dashboard of the controller, as Grafana imports it.
//
//go:embed grafana.json
var Grafana []byte
