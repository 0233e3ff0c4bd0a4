// Package dashboards keeps a Grafana dashboard (grafana.json) and alerting rules
// (alerts.yaml) for the controller's own metrics, and the tests that tie them to
// the metrics that there are.
package dashboards
