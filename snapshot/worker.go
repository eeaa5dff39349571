package snapshot

import (
	"image"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/preview"
)

// job is what a Taker asks of the Worker.
type job struct {
	kind    jobKind
	about   event.Snapshot // without JPEG, Quality and Size; of publish and forget the key alone
	worth   float64
	picture gocv.Mat // owned by the job
	veil    *preview.Veil
}

type jobKind int

const (
	candidate jobKind = iota // a picture of a track: keep it if it is the best
	publish                  // send the best of a track, if it is much better than what was sent
	forget                   // send it if it is better, and forget the track
	crossing                 // send this picture
	hold                     // keep a picture of a stretch until it is over
	release                  // send those of a stretch
	discard                  // forget them
)

// queued is how many jobs may wait. A picture takes a megabyte at most.
const queued = 64

// muchBetter is by how much a picture must be better to take the place of one that was sent while its
// track is in sight.
const muchBetter = 1.2

// Worker scores, hides, encodes and sends the pictures of all cameras, on one goroutine.
type Worker struct {
	jobs    chan job // closed by Close; when it is full, jobs are dropped
	send    func(*event.Snapshot) error
	log     *slog.Logger
	dropped atomic.Int64
	done    sync.WaitGroup

	best map[string]*bestPicture     // by key; the goroutine's
	held map[string][]event.Snapshot // of stretches that are not over, by stretchKey; likewise
}

type bestPicture struct {
	event.Snapshot
	sent float32 // quality of what was sent
}

// NewWorker starts a worker, which hands snapshots to send. send must not wait.
func NewWorker(send func(*event.Snapshot) error, log *slog.Logger) *Worker {
	w := &Worker{
		jobs: make(chan job, queued), send: send, log: log,
		best: make(map[string]*bestPicture), held: make(map[string][]event.Snapshot),
	}
	w.done.Go(func() {
		for j := range w.jobs {
			w.do(&j)
		}
	})
	return w
}

// Close waits for the jobs that are queued. The cameras have ended before.
func (w *Worker) Close() {
	close(w.jobs)
	w.done.Wait()
}

// Dropped returns how many pictures were dropped because the worker could not keep up.
func (w *Worker) Dropped() int64 { return w.dropped.Load() }

// offer hands a job over if the queue has room.
func (w *Worker) offer(j job) bool {
	select {
	case w.jobs <- j:
		return true
	default:
		if j.kind == candidate || j.kind == crossing || j.kind == hold {
			w.dropped.Add(1)
			j.picture.Close()
		}
		return false
	}
}

func (w *Worker) do(j *job) {
	key := j.about.Key()
	switch j.kind {
	case candidate:
		defer j.picture.Close()
		w.compare(key, j)
	case publish:
		if b := w.best[key]; b != nil && b.Quality > muchBetter*b.sent {
			w.sendBest(b)
		}
	case forget:
		if b := w.best[key]; b != nil && b.Quality > b.sent {
			w.sendBest(b)
		}
		delete(w.best, key)
	case crossing:
		defer j.picture.Close()
		j.about.Quality = 1 // one that comes again does not replace it
		if w.encode(j) {
			w.sendOne(&j.about)
		}
	case hold:
		defer j.picture.Close()
		j.about.Quality = 1
		if w.encode(j) {
			w.held[stretchKey(&j.about)] = append(w.held[stretchKey(&j.about)], j.about)
		}
	case release:
		for i := range w.held[stretchKey(&j.about)] {
			w.sendOne(&w.held[stretchKey(&j.about)][i])
		}
		delete(w.held, stretchKey(&j.about))
	case discard:
		delete(w.held, stretchKey(&j.about))
	}
}

// stretchKey is the stretch that a picture is of.
func stretchKey(s *event.Snapshot) string { return s.Run + "/" + strconv.FormatInt(s.Crossing, 10) }

// compare keeps a picture if it is the best of its track.
func (w *Worker) compare(key string, j *job) {
	sharp, err := sharpness(&j.picture, objectIn(&j.about, &j.picture))
	if err != nil {
		w.failed(err)
		return
	}
	j.about.Quality = float32(j.worth * sharp)
	b := w.best[key]
	if b != nil && j.about.Quality <= b.Quality || !w.encode(j) {
		return
	}
	if b == nil {
		b = new(bestPicture)
		w.best[key] = b
	}
	b.Snapshot = j.about
}

// objectIn returns where the object is in its picture.
func objectIn(s *event.Snapshot, picture *gocv.Mat) image.Rectangle {
	r := rectangle(s.Region)
	box := rectangle(s.Box).Sub(r.Min)
	x, y := float64(picture.Cols())/float64(r.Dx()), float64(picture.Rows())/float64(r.Dy())
	return image.Rect(int(float64(box.Min.X)*x), int(float64(box.Min.Y)*y), int(float64(box.Max.X)*x), int(float64(box.Max.Y)*y))
}

// encode hides what the veil hides and sets the JPEG; a picture of which people cannot be hidden is
// not sent.
func (w *Worker) encode(j *job) bool {
	if err := j.veil.BlurPart(&j.picture, rectangle(j.about.Region)); err != nil {
		w.failed(err)
		return false
	}
	b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, j.picture, []int{gocv.IMWriteJpegQuality, jpegQuality})
	if err != nil {
		w.failed(err)
		return false
	}
	defer b.Close()
	j.about.JPEG = append([]byte(nil), b.GetBytes()...)
	j.about.Privacy = string(j.veil.Hides())
	j.about.Size = event.Size{Width: j.picture.Cols(), Height: j.picture.Rows()}
	return true
}

func (w *Worker) sendBest(b *bestPicture) {
	b.sent = b.Quality
	w.sendOne(&b.Snapshot)
}

func (w *Worker) sendOne(s *event.Snapshot) {
	if err := w.send(s); err != nil {
		w.failed(err)
	}
}

func (w *Worker) failed(err error) { w.log.Warn("a snapshot failed", "err", err) }
