// Package words holds the prose to the field's terms, in the packages that have
// been put into them: who knows Kafka, PostgreSQL or video needs no second
// dictionary.
package words_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// everywhere are expressions that name nothing, or have a term in the field.
var everywhere = compile(map[string]string{
	`\bsays whether\b`:                       "reports whether",
	`(^|[.:] )What (is|was|were|are|cannot)`: "name it: the record, the file, the flag",
	`\b(made|makes|make) anew\b`:             "rebuilt, recreated",
	`\bcounts? for nothing\b`:                "is ignored",
	`\bover and over\b`:                      "recycled, again",
	`\bwaited out\b`:                         "retried until they pass",
	`\bgives? (it|them) places\b`:            "assigns a position",
	`\bneedless\b`:                           "obsolete",
})

// documents are further expressions, for what users read beside the programs.
var documents = compile(map[string]string{
	`\bwhat was asked cannot be\b`: "invalid request or configuration",
	`\btools of others\b`:          "other tools",
	`\bat hand\b`:                  "current",
	`\bmend(s|ed|ing)?\b`:          "fix",
	`\bbut for\b`:                  "except",
	`(^|[.:] )Who `:                "the member, the caller, the user",
})

// packages have words of their own that were replaced.
var packages = map[string]map[*regexp.Regexp]string{
	"broker":                brokerWords,
	"broker/internal/auth":  brokerWords,
	"broker/internal/group": brokerWords,
	"broker/internal/rows":  brokerWords,
	"broker/internal/timer": brokerWords,
	"broker/internal/txn":   brokerWords,
	"broker/internal/wire":  brokerWords,
	"broker/storage": compile(map[string]string{
		`\bnudges?\b`: "wake", `\bsweeps?\b`: "remove orphans", `\bunsettled\b`: "uncheckpointed", `\bborn\b`: "created",
	}),
	"ingest": compile(map[string]string{
		`\b(held|maxBehind|openCamera)\b`: "lent, stuckReaders, openWebcam", `\bin our hands\b`: "received", `\bforetold\b`: "predicted",
		`^still$`: "frameReader", `^replay$`: "playback", `\b(tells?|told)\b`: "reports, shows",
	}),
	"ingest/newest": compile(map[string]string{`\bheld\b`: "lent"}),
	"detector": compile(map[string]string{
		`\blook(s|ed)? at\b`: "detect, process", `\bat hand\b`: "current", `\b(Gate|Description)\b`: "semaphore.Weighted, ModelConfig",
		`^(feed|feedImageNet|suppressed)$`: "setNormalisation, setImageNet, hasNMS", `\b(tells?|told|goes)\b`: "reports, is removed",
	}),
	"detector/motion": compile(map[string]string{`\blook(s|ed)?\b`: "detect, pass", `\btells?\b`: "decides, reports"}),
	"detector/onnx":   compile(map[string]string{`\btells\b`: "reports", `^mend$`: "fix"}),
	"detector/track":  compile(map[string]string{`\bon trial\b`: "tentative", `\b(un)?sure\b`: "strong, standard deviation", `\bgiven up\b`: "removed"}),
	"detector/zone":   compile(map[string]string{`\bdither(s)?\b`: "hysteresis", `^(stand|stands|steps)$`: "sideState, footPoint, trackState"}),
	"preview":         compile(map[string]string{`^goOn$`: "resume", `\bthat (is|are) there\b`: "exist"}),
	"pipeline/detect": compile(map[string]string{
		`\blook(s|ed)? at\b`: "detect", `\bnot looked\b`: "skipped", `^(eye|know|beat|beatAt|unseen|graceful)$`: "cameraDetector, track, frameSlot, onDetectError",
		`\bwho is who\b`: "track IDs",
	}),
	"bench":       compile(map[string]string{`\blooked at\b`: "detected on"}),
	"bench/speed": compile(map[string]string{`^(lane|lap|stopwatch|Follow|inside|beside)$`: "measurement, roundTimes, timedModel, AfterDetect"}),
	"event":       compile(map[string]string{`\bin our hands\b`: "received", `\blooked\b`: "detector ran", `\bsomebody\b`: "a person"}),
	"eval":        compile(map[string]string{`\bnobody\b`: "no people"}),
	"models":      compile(map[string]string{`\bnobody here\b`: "untested", `\bis (not )?here\b`: "installed"}),
	"kafka": compile(map[string]string{
		`^(goOn|another|lacking|stillOurs|whereNext|room)$`: "resume, logAbandoned, missing, checkNotFenced, nextPosition, inFlight",
		`\bput back\b`: "restored", `\bbegun anew\b`: "started again", `\btrying again\b`: "retrying",
	}),
	"postgres": compile(map[string]string{
		`^(home|makeHome|findHome|elsewhere|lastWords|account|Keep|Place|PlaceOf)$`: "clusterDir, fallbackRoot, lastServerError, serverUser, Supervise, Location",
		`\bmend\b`: "fix", `\btrying again\b`: "retrying", `\b(tells?|told)\b`: "reports, returns",
	}),
	"datadir":  compile(map[string]string{`^(settle|Tell|DataDir)$`: "checkLocation, LogOwner, Dir", `\bmend\b`: "fix", `\b(tells?|told)\b`: "reports"}),
	"database": compile(map[string]string{`^(attach|startToAsk)$`: "connect, startTemporary", `\b(tells?|told)\b`: "reports"}),
	"pipeline": compile(map[string]string{
		`^(stage|keeper|barren|meter|verdict|howEnded)$`: "service, dbSupervisor, maxCrashesWithoutProgress, progressTotals, exitError, describeExit",
		`\b(right|left) of the detector\b`:               "downstream, upstream", `\b(tells?|told)\b`: "reports, is called with", `\blooked at\b`: "processed",
	}),
	"config":     compile(map[string]string{`^(Stream|Camera)$`: "Kafka, CameraSettings", `\blook (at|only)\b`: "process", `\b(tells?|told)\b`: "names, reports"}),
	"usage":      compile(map[string]string{`\bmend\b`: "fix", `\bwhat was asked\b`: "invalid request"}),
	"query":      compile(map[string]string{`^(known|Exported|personal|onlyAsks)$`: "checkExists, ExportStats, userError, checkReadOnly", `\b(tells?|told)\b`: "reports"}),
	"migrations": compile(map[string]string{`^(place|locate|alone|mayNot)$`: "target, findSchema, exclusively, createDenied", `\b(tells?|told)\b`: "reports"}),
	"web":        compile(map[string]string{`\bin hand\b`: "in progress", `\b(tells?|told)\b`: "reports"}),
	"cli": compile(map[string]string{
		`^(From|Which|AnyCluster|Watched|untilTold|impatient)$`: "DatabaseFlags, FilterFlags, ClusterFlags, WithMetrics, untilStopped, interruptsToExit",
		`\bmend\b`: "fix", `\bright of the detector\b`: "downstream", `\b(tells?|told)\b`: "reports",
	}),
	"cli/full": compile(map[string]string{`^(contestant|verdict|seen|place)$`: "candidate, result, storedFrame, splitFrameRef", `\bmend\b`: "fix", `\b(HERE|is here|are here)\b`: "INSTALLED, installed"}),
	"sink": compile(map[string]string{
		`\b(bury|buried|buries)\b`: "dead letter", `\b(un)?parke?d?\b`: "pause", `\bpatiently\b`: "retry", `\bpoison\b`: "bad record",
		`\bgives? way\b`: "handle the conflict", `\bwhere the tables are\b`: "the stored offset",
	}),
}

// brokerWords are those of the broker and its rooms.
var brokerWords = compile(map[string]string{
	`\balarms?\b`: "timer", `\bstrangers?\b|Strangers`: "unauthenticated client",
	`\bsigns? of life\b`: "heartbeat", `\bis silent\b`: "session expired", `\bmakes? way\b`: "is replaced",
	`\blets? go\b`: "revokes", `\bserveLater\b`: "deferred", `\bsettled\b`: "done", `\bbut for\b`: "except",
	`\bthe topic takes\b`: "the topic's limit is", `\bbroker serves\b`: "broker listening", `\bflags of its start\b`: "command-line flags",
	`\bmayACLs?\b`: "authorizeACLs", `\boffsetsOf\b`: "offsets bucket", `\b(is|are) told\b`: "reported, configured", `\bguards what follows\b`: "guards the following",
	`\bWhoever\b|\bwhoever\b`: "the client, the member",
})

func compile(words map[string]string) map[*regexp.Regexp]string {
	compiled := make(map[*regexp.Regexp]string)
	for pattern, instead := range words {
		compiled[regexp.MustCompile(pattern)] = instead
	}
	return compiled
}

// TestProse_ReplacedWord_NotThere looks at comments, strings and identifiers.
func TestProse_ReplacedWord_NotThere(t *testing.T) {
	for folder, own := range packages {
		files, err := filepath.Glob(filepath.Join(testenv.Root(), folder, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, folder)
		for _, file := range files {
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, file, nil, parser.ParseComments)
			require.NoError(t, err)
			check := func(pos token.Pos, text string) {
				for _, words := range []map[*regexp.Regexp]string{everywhere, own} {
					for pattern, instead := range words {
						if found := pattern.FindString(text); found != "" {
							t.Errorf("%s: %q: write %s", set.Position(pos), strings.TrimSpace(found), instead)
						}
					}
				}
			}
			for _, c := range f.Comments {
				check(c.Pos(), strings.Join(strings.Fields(c.Text()), " "))
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.BasicLit:
					if n.Kind == token.STRING {
						check(n.Pos(), n.Value)
					}
				case *ast.Ident:
					check(n.Pos(), n.Name)
				}
				return true
			})
		}
	}
}

// TestDocuments_ReplacedWord_NotThere looks at documents, SQL and scripts, line by
// line. Released migrations are never edited, so those of before are left out.
func TestDocuments_ReplacedWord_NotThere(t *testing.T) {
	checked := 0
	require.NoError(t, filepath.WalkDir(testenv.Root(), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if name := e.Name(); name == "lib" || name == "dist" || name == "testdata" || strings.HasPrefix(name, ".") && path != testenv.Root() {
				return fs.SkipDir
			}
			return nil
		}
		switch name := e.Name(); {
		case !slices.Contains([]string{".md", ".sql", ".sh"}, filepath.Ext(name)):
			return nil
		case strings.HasPrefix(name, "001_"), strings.HasPrefix(name, "002_"), strings.HasPrefix(name, "003_"):
			return nil
		}
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		checked++
		for i, line := range strings.Split(string(b), "\n") {
			line = strings.TrimLeft(line, "#-* |")
			for _, words := range []map[*regexp.Regexp]string{everywhere, documents} {
				for pattern, instead := range words {
					if found := pattern.FindString(line); found != "" {
						t.Errorf("%s:%d: %q: write %s", path, i+1, strings.TrimSpace(found), instead)
					}
				}
			}
		}
		return nil
	}))
	require.Greater(t, checked, 30)
}
