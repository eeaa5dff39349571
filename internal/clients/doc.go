// Package clients runs Kafka's clients of many languages against the bundled broker, and the
// same against Apache Kafka, which says what is the client's own.
//
// A program of each client does one list of cases: produce and read again, idempotently, with
// each codec; a group of two, its rebalance and its commits; a transaction aborted and one
// committed, with the offsets of a group; topics, offsets and groups by the admin client; SASL
// with TLS. It is started with the addresses in BROKERS and, for SASL (SCRAM-SHA-256, user
// tester, password secret), SECURE_BROKERS, whose authority CA_FILE has. It writes lines, and
// exits with 0 unless a case hangs:
//
//	version 1.2.3
//	ok CASE
//	absent CASE: why the client has none
//	failed CASE: error
//
// The programs are in the directories python, node, go (a module of its own), rust and java.
// scripts/setup.sh --tests fetches what those of Python, Node.js and Go need, at the versions
// pinned beside them; --clients that of Rust, too. docs/compatibility.md has the results,
// which the test compares: make test-clients runs all with Apache Kafka, and writes the page
// with UPDATE=1.
package clients
