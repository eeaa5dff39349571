// Package auth knows who a connection is (SASL: PLAIN and SCRAM, RFC 5802) and what
// a user may do (access rules, as Kafka has them).
//
// It owns the buckets rows.ACLs and rows.SCRAM. A rule applies when it is durable. Of
// a SCRAM password it stores what checks it, from which it cannot be learnt.
//
// It does not promise that a rule that was removed stops a request that was admitted
// before, nor that a connection ends when its user's credentials are deleted.
package auth
