package e2e_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// docBlock is a fenced block of shell commands in a document.
type docBlock struct {
	line   int    // of its first command
	root   bool   // the fence says "sh root"
	notRun string // why the test does not run it, from the text before it
	script string
}

var (
	fence     = regexp.MustCompile("(?ms)^```sh( root)?\n(.*?)^```$")
	notRunFor = regexp.MustCompile(`(?s)\(Not\s+run\s+by\s+the\s+test:\s+([^)]+)\)$`)
)

// docBlocks returns the blocks ```sh and ```sh root of a document. A paragraph
// before a block that ends with "(Not run by the test: REASON)" excludes it.
func docBlocks(t testing.TB, name string) (blocks []docBlock) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testenv.Root(), name))
	require.NoError(t, err)
	doc := string(b)
	for _, m := range fence.FindAllStringSubmatchIndex(doc, -1) {
		block := docBlock{line: strings.Count(doc[:m[4]], "\n") + 1, root: m[2] >= 0, script: doc[m[4]:m[5]]}
		if reason := notRunFor.FindStringSubmatch(strings.TrimSpace(doc[:m[0]])); reason != nil {
			block.notRun = strings.Join(strings.Fields(reason[1]), " ")
		}
		blocks = append(blocks, block)
	}
	require.Len(t, blocks, strings.Count("\n"+doc, "\n```sh"), "%s: a fence that is not ```sh or ```sh root", name)
	return blocks
}

//go:embed testdata/throwaway.sh
var throwaway string

func TestOperations_EveryCommandOfThePage_Runs(t *testing.T) {
	t.Parallel()
	runPage(t, "docs/operations.md")
}

// The pages for users, one after the other: each has a directory of its own.
func TestPages_EveryCommand_Runs(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(testenv.Root(), "docs", "*.md"))
	require.NoError(t, err)
	for _, path := range pages {
		if page := filepath.Base(path); page != "operations.md" && len(docBlocks(t, "docs/"+page)) > 0 {
			t.Run(page, func(t *testing.T) { runPage(t, "docs/"+page) })
		}
	}
}

// runPage runs the commands of a page from top to bottom. As root they run in a
// copy of the file system that the kernel drops afterwards, so that they may add
// users and install; as another user, those that need no root run in a temporary
// directory.
func runPage(t *testing.T, page string) {
	t.Helper()
	dir, isRoot := t.TempDir(), os.Geteuid() == 0
	if out, err := exec.Command("unshare", "--mount", "--pid", "--fork", "true").CombinedOutput(); isRoot && err != nil {
		testenv.Skip(t, "root may make no namespaces here: "+string(out))
	}
	makeClip(t, filepath.Join(dir, "yard.mp4"))
	var list strings.Builder
	for _, b := range docBlocks(t, page) {
		where := fmt.Sprintf("%s:%d", page, b.line)
		switch {
		case b.notRun != "":
			t.Logf("SKIPPED: %s: %s", where, b.notRun)
			continue
		case b.root && !isRoot:
			testenv.Without(t, where+": only root can run it")
			continue
		}
		file := filepath.Join(dir, fmt.Sprintf("block-%d.sh", b.line))
		require.NoError(t, os.WriteFile(file, []byte(b.script), 0o644))
		fmt.Fprintf(&list, "%s block-%d.sh\n", where, b.line)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "blocks"), []byte(list.String()), 0o644))
	library := os.Getenv("SIGHTLOG_ONNXRUNTIME")
	if library == "" {
		testenv.Skip(t, "SIGHTLOG_ONNXRUNTIME is not set: make env")
	}

	ctx, cancel := context.WithTimeout(t.Context(), 3*limit)
	defer cancel()
	args := []string{"-c", throwaway, "throwaway", dir, filepath.Dir(sightlog), library, filepath.Join(testenv.Root(), "deploy")}
	cmd := exec.CommandContext(ctx, "bash", args...)
	if isRoot {
		cmd = exec.CommandContext(ctx, "unshare", append([]string{"--mount", "--pid", "--fork", "--kill-child", "bash"}, args...)...)
	}
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, strings.Count(list.String(), "\n"), strings.Count(string(out), "== "+page+":"), "%s", out)
	t.Logf("%s", out)
}

// makeClip writes a video of half a second, 10 frames.
func makeClip(t testing.TB, path string) {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		testenv.Skip(t, "ffmpeg is not installed")
	}
	ok(t, ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=20", "-frames:v", "10", "-pix_fmt", "yuv420p", path)
}
