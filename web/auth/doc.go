// Package auth knows who makes a request to the site: users with passwords and sessions,
// programs with tokens.
//
// Users and the hashes of their passwords and tokens are in a file (File), which sightlogd
// web writes and the server reads again when it has changed: a user who is removed, or has
// another password, is logged out by it. Sessions are in memory and end with the process.
//
// Package web asks Auth of each request and enforces the roles.
package auth
