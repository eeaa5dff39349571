// Package bi has no code of sightlog's. Its tests draw the charts of docs/bi.md, by plain SQL and
// by Apache Superset, and compare their numbers with those of sightlog query.
package bi
