package registry

// levelAnswer is the level that was removed, as both names that clients read.
func levelAnswer(level string) map[string]string {
	return map[string]string{"compatibilityLevel": level, "compatibility": level}
}

func (r *Registry) getConfig(q request) (any, error) {
	level, err := r.levelOf(q.subject(), q.flag("defaultToGlobal"))
	return map[string]string{"compatibilityLevel": level}, err
}

func (r *Registry) putConfig(q request) (any, error) {
	var in struct {
		Level string `json:"compatibility"`
	}
	if err := q.read(&in); err != nil {
		return nil, err
	}
	level, err := r.setLevel(q.Context(), q.subject(), in.Level)
	return map[string]string{"compatibility": level}, err
}

func (r *Registry) deleteConfig(q request) (any, error) {
	level, err := r.resetLevel(q.Context(), q.subject())
	return levelAnswer(level), err
}

func (r *Registry) getMode(q request) (any, error) {
	mode, err := r.modeOf(q.subject(), q.flag("defaultToGlobal"))
	return modeValue{mode}, err
}

func (r *Registry) putMode(q request) (any, error) {
	var in modeValue
	if err := q.read(&in); err != nil {
		return nil, err
	}
	mode, err := r.setMode(q.Context(), q.subject(), in.Mode, q.flag("force"))
	return modeValue{mode}, err
}

func (r *Registry) deleteMode(q request) (any, error) {
	mode, err := r.resetMode(q.Context(), q.subject())
	return modeValue{mode}, err
}
