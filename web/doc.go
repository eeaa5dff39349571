// Package web serves what operators watch over HTTP: Prometheus metrics at
// /metrics and health at /healthz (200 while the process serves).
package web
