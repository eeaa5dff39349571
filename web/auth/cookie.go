package auth

import "net/http"

// secure reports whether the browser speaks TLS, to this server or to one before it. A client
// that lies gets a cookie that it does not send back.
func secure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// cookieName is that of the session's cookie. Browsers take one of the prefix __Host- only
// over TLS and from this very host.
func cookieName(r *http.Request) string {
	if secure(r) {
		return "__Host-sightlog"
	}
	return "sightlog"
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure(r),
	})
}
