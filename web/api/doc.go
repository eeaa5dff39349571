// Package api serves the reports of package query and the cameras as JSON over HTTP, and puts
// the API of the site together: Assemble takes the routes of all packages, checks that each is
// described, and adds the description of the whole (OpenAPI 3.1) at /api/v1/openapi.json.
//
// A report is JSON, CSV or Parquet, by the header Accept or the parameter format. Its rows come
// in pages, which are found by key (query.Page), with a Link to the next; CSV and Parquet
// without limit are the whole report, written as its rows come.
package api
