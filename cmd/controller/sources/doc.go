// Package sources has the named Prometheus servers of the controller: the file of
// --metrics-sources, and the cycle.MetricSource that asks each query's own server.
//
//	sources:
//	  - name: shop                 # what prometheus.source of a metric names
//	    url: https://thanos.example:9090/shop
//	    http: {authorization: {credentials_file: token}}   # promtool's http.config.file
//	    tenant: team-a             # sent as X-Scope-OrgID
//	    labels: {cluster: eu1}     # enter every selector
//	    enforceLabel: namespace    # in place of --enforce-label
//	    sigv4: {region: eu-west-1} # for Amazon Managed Service for Prometheus
//
// Google's wants a bearer token: http.authorization.credentials_file names a file that
// something else keeps fresh; it is read again for each request. A file that becomes
// wrong while the controller runs changes nothing: the last good one stays.
package sources
