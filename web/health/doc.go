// Package health serves the state of each part (cameras, detector, broker, lag, database, disk,
// clock), what is wrong in words, how to fix it, and how long each stage of the newest
// sightings took. It asks only when it is asked, and answers many readers with one answer a
// second. It decides nothing: /healthz (package web) says whether the service is healthy.
package health
