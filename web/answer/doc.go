// Package answer has what the handlers of the API share: a request's parameters, checked
// against their description, the database with its limits, and the answer: JSON with an
// ETag, pages, and every error as a problem (RFC 9457).
//
// A handler returns a value or an error; Get makes a route of it. What a client did wrong is
// 400 where a parameter is wrong by itself, 404 where it names something that is not there,
// 422 where each is right and together they make no sense. A database that is away, or has
// too much to do, is 503 with Retry-After, a query that takes too long 504. Anything else is
// 500, whose cause is in the log and not in the answer.
package answer
