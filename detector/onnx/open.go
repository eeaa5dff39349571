package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/usage"
)

// maxModel bounds a model's size; protobuf itself ends at 2 GiB.
const maxModel = 2 << 30

// Options choose how a graph is run.
type Options struct {
	Name    string // of the model; default: the file's without .onnx
	Threads int    // for one run; default: those that the control group allows, at most 4
	Library string // path of onnxruntime's; see FindLibrary
}

// Open loads the model in a file. The file not being there, not being ONNX, or
// not being a detector is a *usage.Error.
func Open(file string, opts Options) (*Session, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, usage.Wrap(err, "check the path", "model %s: cannot be read", file)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() > maxModel {
		return nil, usage.Wrap(err, "name an .onnx file", "model %s: not a file of at most 2 GiB", file)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, fmt.Errorf("read model %s: %w", file, err)
	}
	if opts.Name == "" {
		opts.Name = strings.TrimSuffix(filepath.Base(file), ".onnx")
	}
	config, err := detector.ReadModelConfig(file)
	if err != nil {
		return nil, err
	}
	return open(source{file: file, shown: file, config: config}, hex.EncodeToString(h.Sum(nil)), opts)
}

// OpenBytes loads a model from memory, such as the one inside the program.
func OpenBytes(data []byte, opts Options) (*Session, error) {
	if len(data) == 0 {
		return nil, errors.New("load model: no data")
	}
	sum := sha256.Sum256(data)
	return open(source{data: data, shown: opts.Name}, hex.EncodeToString(sum[:]), opts)
}

// source is a graph in a file or in memory. A file is left to the library to
// read, because a graph can have its weights in files beside it.
type source struct {
	file  string
	data  []byte
	shown string // in messages

	config *detector.ModelConfig // overrides what is recognised; nil: nothing
}

func open(src source, sum string, opts Options) (*Session, error) {
	if err := load(opts.Library); err != nil {
		return nil, err
	}
	in, out, err := src.info()
	if err != nil {
		return nil, unreadable(src, err)
	}
	so, err := options(&opts)
	if err != nil {
		return nil, err
	}
	defer so.Destroy()
	s := &Session{users: new(atomic.Int64)}
	s.users.Store(1)
	var ins, outs []detector.TensorInfo
	s.in, ins = names(in)
	s.out, outs = names(out)
	if src.data != nil {
		s.graph, err = ort.NewDynamicAdvancedSessionWithONNXData(src.data, s.in, s.out, so)
	} else {
		s.graph, err = ort.NewDynamicAdvancedSession(src.file, s.in, s.out, so)
	}
	if err != nil {
		return nil, usage.Wrap(err, "try another file", "model %s: onnxruntime cannot prepare it: %s", src.shown, firstLine(err))
	}
	meta, err := s.metadata()
	if err == nil {
		s.spec, err = detector.Recognise(ins, outs, meta, src.config)
	}
	for _, t := range outs {
		s.f16Shapes = append(s.f16Shapes, fixedF16(t))
		if err == nil {
			err = readable(t)
		}
	}
	if err != nil {
		s.Close()
		return nil, usage.Wrap(err, "name a detector, or describe it in a .yaml of the same name beside it", "model %s: %s", src.shown, firstLine(err))
	}
	s.spec.Name, s.spec.SHA256 = opts.Name, sum
	s.sized = len(s.in) == 2
	return s, nil
}

// missingData finds the file in onnxruntime's word for weights that are not
// beside the graph.
var missingData = regexp.MustCompile(`External data path does not exist: "([^"]+)"`)

// unreadable returns why onnxruntime does not read a graph.
func unreadable(src source, err error) error {
	text := err.Error()
	if m := missingData.FindStringSubmatch(text); m != nil {
		return usage.Wrap(err, "put it beside the model", "model %s: its weights are in a file of their own, %s, which is not there", src.shown, filepath.Base(m[1]))
	}
	if strings.Contains(text, "External initializer") {
		return usage.Wrap(err, "copy the model and that file again", "model %s: its weights are in a file of their own, which is cut short or another's", src.shown)
	}
	return usage.Wrap(err, "name a model exported to ONNX", "model %s: not an ONNX file that onnxruntime %s reads", src.shown, Version)
}

// info reads the graph's inputs and outputs, without optimising it.
func (s source) info() (in, out []ort.InputOutputInfo, err error) {
	if s.data != nil {
		return ort.GetInputOutputInfoWithONNXData(s.data)
	}
	so, err := ort.NewSessionOptions()
	if err != nil {
		return nil, nil, err
	}
	defer so.Destroy()
	if err := so.SetGraphOptimizationLevel(ort.GraphOptimizationLevelDisableAll); err != nil {
		return nil, nil, err
	}
	if err := so.SetIntraOpNumThreads(1); err != nil {
		return nil, nil, err
	}
	return ort.GetInputOutputInfoWithOptions(s.file, so)
}

func names(info []ort.InputOutputInfo) ([]string, []detector.TensorInfo) {
	var n []string
	var t []detector.TensorInfo
	for _, i := range info {
		n = append(n, i.Name)
		t = append(t, detector.TensorInfo{Name: i.Name, Shape: i.Dimensions, Type: element(i)})
	}
	return n, t
}

func (s *Session) metadata() (map[string]string, error) {
	m, err := s.graph.GetModelMetadata()
	if err != nil {
		return nil, err
	}
	defer m.Destroy()
	keys, err := m.GetCustomMetadataMapKeys()
	if err != nil {
		return nil, err
	}
	meta := map[string]string{}
	for _, k := range keys {
		if v, ok, err := m.LookupCustomMetadataMap(k); err == nil && ok {
			meta[k] = v
		}
	}
	return meta, nil
}

// threads is how many a run takes. Go's count follows a quota of the control
// group.
func (o *Options) threads() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return min(runtime.GOMAXPROCS(0), 4)
}

// options fills in defaults and turns them into onnxruntime's.
func options(o *Options) (*ort.SessionOptions, error) {
	so, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("onnxruntime: %w", err)
	}
	err = errors.Join(
		so.SetIntraOpNumThreads(o.threads()),
		so.SetInterOpNumThreads(1),
		so.SetLogSeverityLevel(ort.LoggingLevelFatal),
		so.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		so.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
	)
	if err != nil {
		so.Destroy()
		return nil, err
	}
	return so, nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	if len(line) > 200 {
		line = line[:200] + "…"
	}
	return line
}
