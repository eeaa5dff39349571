package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/query"
)

// DeadShowCmd shows one dead letter.
type DeadShowCmd struct {
	ClusterAddress
	Key string `arg:"" help:"Its key, as dead list prints it: topic/partition/offset."`
	Raw bool   `env:"-" help:"Only the value, byte by byte."`
}

// Run implements the command.
func (c *DeadShowCmd) Run(ctx context.Context, env *Env) error {
	letters, cfg, err := lettersOf(ctx, env, &c.ClusterAddress, c.Key)
	if err != nil {
		return err
	}
	why, err := kafka.RetryRefusals(ctx, cfg, letters)
	if err != nil {
		return err
	}
	if c.Raw { // the newest, where there are several
		letters = letters[len(letters)-1:]
	}
	var text bytes.Buffer
	for i := range letters {
		original, err := kafka.ReadDeadLetter(ctx, cfg, letters[i])
		switch {
		case err != nil:
			return err
		case c.Raw:
			text.Write(original.Value)
		default:
			writeDeadLetter(&text, &letters[i], original, why[i])
		}
	}
	out := openAnswer(env.Stdout)
	_, err = text.WriteTo(out)
	return out.done(err)
}

// dumped is the part of a value that is no JSON that show prints, in bytes.
const dumped = 512

// writeDeadLetter writes a dead letter. why is the reason that it cannot be retried, or "".
func writeDeadLetter(w *bytes.Buffer, d *kafka.DeadLetter, original *kgo.Record, why string) {
	field := func(name, text string) {
		lines := strings.Split(strings.TrimRight(string(query.Printable([]byte(text))), "\n"), "\n")
		fmt.Fprintf(w, "%-12s%s\n", name, strings.Join(lines, "\n            "))
	}
	field("key", d.Key)
	field("written", stamp(d.Written))
	field("produced", stamp(time.UnixMilli(d.Timestamp)))
	if d.Camera != "" {
		field("camera", d.Camera)
	}
	field("reason", d.Cause)
	field("value", extent(d))
	if d.SHA256 != "" {
		field("sha256", d.SHA256+" (of the whole value)")
	}
	if why == "" {
		why = "possible"
	}
	field("retry", why)
	if original.Key != nil {
		field("record key", string(original.Key))
	}
	for _, h := range original.Headers {
		field("header", h.Key+": "+string(h.Value))
	}
	w.WriteByte('\n')
	writeValue(w, original.Value)
}

// extent describes the value of a dead letter.
func extent(d *kafka.DeadLetter) string {
	text := fmt.Sprintf("whole, %d bytes", d.Size)
	if !d.Whole() {
		text = fmt.Sprintf("cut: the first %d of %d bytes", d.Kept, d.Size)
	}
	if d.Batch {
		text = fmt.Sprintf("a batch, offsets %d to %d; %s", d.Offset, d.LastOffset, text)
	}
	return text
}

// writeValue writes JSON indented, and the head of anything else as bytes.
func writeValue(w *bytes.Buffer, value []byte) {
	if json.Valid(value) {
		_ = json.Indent(w, value, "", "  ") // it is valid
		w.WriteByte('\n')
		return
	}
	w.WriteString(hex.Dump(value[:min(len(value), dumped)]))
	if more := len(value) - dumped; more > 0 {
		fmt.Fprintf(w, "… %d more bytes: --raw writes all of them\n", more)
	}
}
