package broker

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rootLogger is the logger whose level the others have, unless they have their own.
const rootLogger = "root"

// loggerNames are the broker's loggers, by the part that logs.
var loggerNames = []string{rootLogger, "broker", "connections", "groups", "storage", "transactions"}

// logLevels are the levels by the names that Kafka has for them.
var logLevels = map[string]slog.Level{
	"TRACE": slog.LevelDebug - 4, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo,
	"WARN": slog.LevelWarn, "ERROR": slog.LevelError, "FATAL": slog.LevelError + 4,
}

// loggers have the levels of the broker's loggers, which can be altered while it runs and are
// the configuration's after the next start.
type loggers struct {
	base slog.Handler

	changeMu sync.Mutex                             // held while levels change
	levels   map[string]*atomic.Pointer[slog.Level] // by logger; nil: not altered
}

func newLoggers(log *slog.Logger) *loggers {
	l := &loggers{base: log.Handler(), levels: map[string]*atomic.Pointer[slog.Level]{}}
	for _, name := range loggerNames {
		l.levels[name] = &atomic.Pointer[slog.Level]{}
	}
	return l
}

// logger returns the logger of a part.
func (l *loggers) logger(name string) *slog.Logger {
	return slog.New(levelHandler{l.base, l.levels[name], l.levels[rootLogger]})
}

// levelHandler is a handler that handles what its level lets through, or that of the root logger,
// or else that of the handler behind it.
type levelHandler struct {
	slog.Handler
	own, root *atomic.Pointer[slog.Level]
}

// Enabled implements slog.Handler.
func (h levelHandler) Enabled(ctx context.Context, level slog.Level) bool {
	for _, altered := range []*atomic.Pointer[slog.Level]{h.own, h.root} {
		if least := altered.Load(); least != nil {
			return level >= *least
		}
	}
	return h.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h levelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelHandler{h.Handler.WithAttrs(attrs), h.own, h.root}
}

// WithGroup implements slog.Handler.
func (h levelHandler) WithGroup(name string) slog.Handler {
	return levelHandler{h.Handler.WithGroup(name), h.own, h.root}
}

// setting returns the setting that a logger's level is.
func (l *loggers) setting(name string) (setting, error) {
	if l.levels[name] == nil {
		return setting{}, fmt.Errorf("%w: there is no logger %q: want one of %v", kerr.InvalidConfig, name, loggerNames)
	}
	return setting{kind: text, check: oneOf(slices.Sorted(maps.Keys(logLevels))...)}, nil
}

// altered returns the levels that were altered. changeMu is held.
func (l *loggers) altered() map[string]string {
	out := map[string]string{}
	for name, level := range l.levels {
		if v := level.Load(); v != nil {
			out[name] = levelName(*v)
		}
	}
	return out
}

// replace replaces the levels that were altered, by valid ones. changeMu is held.
func (l *loggers) replace(set map[string]string) {
	for name, level := range l.levels {
		v, has := set[name]
		if !has {
			level.Store(nil)
			continue
		}
		level.Store(new(logLevels[v]))
	}
}

func levelName(level slog.Level) string {
	for name, l := range logLevels {
		if l == level {
			return name
		}
	}
	return level.String()
}

// describe returns the levels in force.
func (l *loggers) describe(docs bool) (out []kmsg.DescribeConfigsResponseResourceConfig) {
	byLevel := slices.SortedFunc(maps.Keys(logLevels), func(a, b string) int { return int(logLevels[a] - logLevels[b]) })
	for _, name := range loggerNames {
		h, value := l.logger(name).Handler(), byLevel[len(byLevel)-1]
		for _, level := range byLevel {
			if h.Enabled(context.Background(), logLevels[level]) {
				value = level
				break
			}
		}
		values := []settingValue{{name, value, kmsg.ConfigSourceDynamicBrokerLoggerConfig}}
		out = append(out, describeSetting(name, text, "least level of what is logged", values, false, docs))
	}
	return out
}
