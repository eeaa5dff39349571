// Package history has the routes of the API that look back: a day, a timeline, tracks with
// their paths, crossings, and heat maps. It checks their parameters and says what they
// answer; the figures are those of package query.
package history
