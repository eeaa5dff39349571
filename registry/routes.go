package registry

import "net/http"

// routes returns the API.
func (r *Registry) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(request) (any, error){
		"GET /{$}":          func(request) (any, error) { return struct{}{}, nil },
		"GET /contexts":     func(request) (any, error) { return []string{"."}, nil },
		"GET /schemas":      r.getSchemas,
		"GET /subjects":     r.getSubjects,
		"GET /schemas/{$}":  r.getSchemas,
		"GET /subjects/{$}": r.getSubjects,

		"GET /schemas/types":             func(request) (any, error) { return []string{typeAvro, typeProtobuf}, nil },
		"GET /schemas/ids/{id}":          r.getID,
		"GET /schemas/ids/{id}/schema":   r.getIDSchema,
		"GET /schemas/ids/{id}/subjects": r.getIDSubjects,
		"GET /schemas/ids/{id}/versions": r.getIDVersions,

		"POST /subjects/{subject}":                                r.postLookup,
		"DELETE /subjects/{subject}":                              r.deleteSubjectRoute,
		"GET /subjects/{subject}/versions":                        r.getVersions,
		"POST /subjects/{subject}/versions":                       r.postVersion,
		"GET /subjects/{subject}/versions/{version}":              r.getVersion,
		"GET /subjects/{subject}/versions/{version}/schema":       r.getVersionSchema,
		"GET /subjects/{subject}/versions/{version}/referencedby": r.getReferencedBy,
		"DELETE /subjects/{subject}/versions/{version}":           r.deleteVersionRoute,

		"POST /compatibility/subjects/{subject}/versions/{version}": r.postCompatibility,
		"POST /compatibility/subjects/{subject}/versions":           r.postCompatibility,

		"GET /config":              r.getConfig,
		"PUT /config":              r.putConfig,
		"DELETE /config":           r.deleteConfig,
		"GET /config/{subject}":    r.getConfig,
		"PUT /config/{subject}":    r.putConfig,
		"DELETE /config/{subject}": r.deleteConfig,
		"GET /mode":                r.getMode,
		"PUT /mode":                r.putMode,
		"DELETE /mode":             r.deleteMode,
		"GET /mode/{subject}":      r.getMode,
		"PUT /mode/{subject}":      r.putMode,
		"DELETE /mode/{subject}":   r.deleteMode,
	} {
		mux.HandleFunc(pattern, handle(f))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, refuse(http.StatusNotFound, "HTTP 404 Not Found"))
	})
	return mux
}
