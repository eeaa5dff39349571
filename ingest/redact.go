package ingest

import (
	"net/url"
	"regexp"
	"strings"
)

// HasPassword reports whether the URI, with or without a camera's name before it, holds a
// password: before the host, in a query parameter whose name suggests one, as the stream
// key of RTMP or the streamid of SRT. Where the form is ambiguous it does.
func HasPassword(uri string) bool {
	scheme, rest, _ := strings.Cut(uri, "://")
	user, _, has := strings.Cut(rest, "@")
	path, _, _ := strings.Cut(rest, "?")
	return has && strings.Contains(user, ":") || passwordKey.MatchString(rest) || isRTMP.MatchString(scheme) && streamKey.MatchString(path)
}

var isRTMP = regexp.MustCompile(`(?i)(^|=)rtmp[a-z]*$`)

// streamKey is what follows host and application in an RTMP path.
var streamKey = regexp.MustCompile(`^([^/]*/+[^/]+)/+.+$`)

var passwordKey = regexp.MustCompile(`(?i)[?&][^=&]*(pass|pwd|token|secret|cred|streamid)[^=&]*=.`)

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
	if isRTMP.MatchString(scheme) {
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

// A URL begins with a scheme (RFC 3986, 3.1) and two slashes; whatever does not
// is a path, "a/b://c" too.
var urlForm = regexp.MustCompile(`(?s)^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$`)

// cutScheme returns a URL's scheme, in lower case, and what follows "://".
func cutScheme(uri string) (scheme, rest string, isURL bool) {
	m := urlForm.FindStringSubmatch(uri)
	if m == nil {
		return "", uri, false
	}
	return strings.ToLower(m[1]), m[2], true
}
