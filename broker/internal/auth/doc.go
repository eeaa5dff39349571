// Package auth authenticates connections (SASL: PLAIN, and SCRAM after RFC 5802) and
// holds the access rules of users, which have Kafka's semantics.
//
// It owns the buckets rows.ACLs and rows.SCRAM. A rule applies once it is durable. For
// a SCRAM user it stores a salted key, and no password; PLAIN is checked with it as well.
// A credential that an administrator stored replaces the user's password of the
// configuration, in every mechanism and from the next authentication on.
//
// It does not promise that a rule which was removed stops a request that was admitted
// before, nor that a connection ends when its user's credentials are deleted.
package auth
