// Package web serves monitoring over HTTP: Prometheus metrics at /metrics, and health at
// /healthz, which is 200, or 503 with a line for each problem that prevents sightings from
// reaching the log or the tables.
package web
