// Package wire has the parts of the Kafka protocol that know nothing of a broker:
// request headers, the schemas by which requests are checked before they are decoded,
// error codes, ids, pooled buffers and the memory budget of connections.
package wire
