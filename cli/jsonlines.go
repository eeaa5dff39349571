package cli

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// jsonFormat is the value of --log-format for JSON.
const jsonFormat = "json"

// maxJSONLine bounds a line that jsonLines holds until it ends, in bytes.
const maxJSONLine = 64 << 10

// jsonLines is standard error with --log-format json: lines that are no JSON objects
// (progress, notes, the report of a crash of detect) become messages of level INFO.
type jsonLines struct {
	to  io.Writer
	log *slog.Logger

	mu   sync.Mutex // guards the following
	rest []byte     // of a line that has not ended yet
}

func newJSONLines(to io.Writer) *jsonLines {
	return &jsonLines{to: to, log: slog.New(slog.NewJSONHandler(to, nil))}
}

// Write implements io.Writer.
func (j *jsonLines) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		j.rest, rest = append(j.rest, line...), after
		if !whole && len(j.rest) < maxJSONLine {
			break
		}
		if err := j.line(j.rest); err != nil {
			return 0, err
		}
		j.rest = j.rest[:0]
	}
	return len(p), nil
}

// line writes a complete line. The caller holds mu.
func (j *jsonLines) line(line []byte) error {
	if bytes.HasPrefix(line, []byte("{")) {
		_, err := j.to.Write(append(line, '\n'))
		return err
	}
	if text := strings.TrimSpace(string(line)); text != "" {
		j.log.Log(context.Background(), slog.LevelInfo, text) //nolint:sloglint // the message is a line of text
	}
	return nil
}
