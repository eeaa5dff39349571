// Package web serves what operators watch over HTTP: Prometheus metrics at
// /metrics and health at /healthz: 200, or 503 and a line for each thing that
// keeps data from where it belongs.
package web
