// Package web serves monitoring over HTTP: Prometheus metrics at /metrics, and three
// answers, each 200, or 503 with a line for each reason:
//
//   - /healthz: no while a problem prevents sightings from reaching the log or the tables;
//   - /readyz: as /healthz, and no until every part has started;
//   - /livez: yes while the process answers, for a probe that restarts it.
//
// Profiles of the process have an address of their own, on loopback (ListenPprof).
package web
