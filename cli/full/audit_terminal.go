package full

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/usage"
)

// askInTerminal writes the pictures into a directory, asks for each unit on standard input, and stores the
// answers.
func (a *auditSample) askInTerminal(ctx context.Context, env *cli.Env, dir string) error {
	if dir == "" {
		dir = fmt.Sprintf("audit-%s-%d", a.subject.Camera, a.seed)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return usage.Wrap(err, "give the name of a directory that does not exist", "--out %s: %v", dir, usage.Cause(err))
	}
	for i := range a.units {
		for k, picture := range a.pictures[i] {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d-%02d.jpg", i+1, k+1)), picture.JPEG, 0o644); err != nil {
				return fmt.Errorf("write pictures: %w", err)
			}
		}
	}
	d, err := audit.Save(ctx, a.db, a.subject, a.population, a.seed, a.units)
	if err != nil {
		return err
	}
	file := &audit.File{Audit: d.ID, DrawnAt: d.DrawnAt}
	fmt.Fprintf(env.Stdout, "a crossing: y yes, n nobody crossed, r the other direction, u unclear; 10 seconds: the crossings without a coloured box, in and out, as 0 1, n none, u unclear; q ends\n")
	lines := bufio.NewScanner(env.Stdin)
	for i, u := range a.units {
		question := "crossing " + string(u.Kind)
		if u.Kind == audit.Stretch {
			question = "10 seconds: missed in and out"
		}
		fmt.Fprintf(env.Stdout, "%d of %d, %s, %s: ", i+1, len(a.units), filepath.Join(dir, fmt.Sprintf("%03d-*.jpg", i+1)), question)
		answer, ok := readAnswer(ctx, env, lines, u.Kind)
		if !ok {
			break
		}
		answer.Item = i + 1
		file.Answers = append(file.Answers, answer)
	}
	fmt.Fprintln(env.Stdout)
	if ctx.Err() != nil {
		fmt.Fprintf(env.Stderr, "audit %d is not answered\n", d.ID)
		return nil
	}
	return storeAnswers(ctx, env.Stdout, a.db, file, "answers")
}

// nextLine returns the next line; ok is false at the end. It returns when ctx ends; the read then stays
// until the process ends.
func nextLine(ctx context.Context, lines *bufio.Scanner) (line string, ok bool) {
	next := make(chan bool, 1) // of one read
	go func() { next <- lines.Scan() }()
	select {
	case <-ctx.Done():
		return "", false
	case ok = <-next:
		return strings.TrimSpace(lines.Text()), ok
	}
}

// readAnswer reads lines until one is an answer to a kind of unit; ok is false at the end.
func readAnswer(ctx context.Context, env *cli.Env, lines *bufio.Scanner, kind audit.Kind) (a audit.FileAnswer, ok bool) {
	words := map[string]string{"y": audit.Right, "n": audit.Wrong, "r": audit.Reversed, "u": audit.Unclear}
	if kind == audit.Stretch {
		words = map[string]string{"n": audit.Missed, "u": audit.Unclear}
	}
	for {
		line, more := nextLine(ctx, lines)
		if !more || line == "q" {
			return a, false
		}
		if a.Answer = words[line]; a.Answer != "" {
			return a, true
		}
		var in, out uint8
		if n, err := fmt.Sscanf(line, "%d %d", &in, &out); kind == audit.Stretch && n == 2 && err == nil {
			return audit.FileAnswer{Answer: audit.Missed, In: int(in), Out: int(out)}, true
		}
		fmt.Fprint(env.Stdout, "not understood; again: ")
	}
}
