// Package page draws reports of benchmarks as one HTML page: facts first, then figures with
// their tables.
//
// The page needs nothing but itself. It has no script, its plots are SVG, and its content
// security policy forbids every request. All text of a report is escaped by html/template. A
// report whose records did not all arrive is shown without its figures. Several reports are
// overlaid; the points of a sweep become curves and a heat map.
//
// Data flows one way: page.go sorts the reports, its neighbours make sections of them
// (facts, latency, stages, cost, cameras, sweep), which are tables and plots; page.html
// writes those.
package page
