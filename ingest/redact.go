package ingest

import (
	"net/url"
	"regexp"
	"strings"
)

// HasPassword reports whether the URI holds a password, before the host or in a
// query parameter whose name suggests one. Where the form is ambiguous it does.
func HasPassword(uri string) bool {
	_, rest, _ := strings.Cut(uri, "://")
	user, _, has := strings.Cut(rest, "@")
	return has && strings.Contains(user, ":") || passwordKey.MatchString(rest)
}

// streamKey is what follows host and application in an RTMP path.
var streamKey = regexp.MustCompile(`^([^/]*/+[^/]+)/+.*$`)

var passwordKey = regexp.MustCompile(`(?i)[?&][^=&]*(pass|pwd|token|secret|cred)[^=&]*=.`)

var secretKey = regexp.MustCompile(`(?i)pass|pwd|user|usr|login|token|key|auth|sig|secret|cred|streamid`)

// Redact returns the URI without credentials: no user and password before the
// host, no value of a query parameter whose name suggests a secret, no stream
// key: the last part of an RTMP path of two or more (rtmp://host/app/key), the
// streamid of SRT. Where the form is ambiguous (a password with "/" or "@" in
// it) it hides too much rather than too little.
func Redact(uri string) string {
	scheme, rest, isURL := cutScheme(uri)
	if !isURL {
		return uri
	}
	scheme = uri[:len(scheme)] // as typed
	// Credentials end at an "@" and begin in the first segment, with a ":" or
	// all of them in it; which "@" is theirs is not known from the last one.
	first := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		first = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 && strings.ContainsAny(first, ":@") {
		rest = rest[i+1:]
	}
	rest, query, hasQuery := strings.Cut(rest, "?")
	if strings.HasPrefix(strings.ToLower(scheme), "rtmp") {
		rest = streamKey.ReplaceAllString(rest, "$1/***")
	}
	if !hasQuery {
		return scheme + "://" + rest
	}
	parts := strings.Split(query, "&")
	for i, p := range parts {
		key, _, has := strings.Cut(p, "=")
		name, err := url.QueryUnescape(key)
		if has && (err != nil || secretKey.MatchString(name)) {
			parts[i] = key + "=***"
		}
	}
	return scheme + "://" + rest + "?" + strings.Join(parts, "&")
}
