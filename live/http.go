package live

import (
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/web/problem"
)

// Of the pictures that are asked for.
const (
	defaultWidth   = 640
	defaultFPS     = 5
	pictureTimeout = 10 * time.Second // for one that is asked for alone
	cameraTimeout  = 2 * time.Second  // for the state of its camera
	mediaType      = "application/octet-stream"
)

// serveParts answers with the pictures and states of all cameras that are asked for, in one response,
// until the client ends it. Without cameras it has the states of all.
func (c *Client) serveParts(w http.ResponseWriter, r *http.Request) {
	want, err := wantOf(r)
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	wants := Wants{"*": {}}
	for _, camera := range split(r.FormValue("cameras")) {
		wants[camera] = want
	}
	if err := wants.check(); err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	start(w, mediaType)
	c.pictures(w, r, wants, func(p Part) error { return WritePart(w, p) })
}

// serveMJPEG answers with the pictures of one camera, as browsers and other programs show them.
func (c *Client) serveMJPEG(w http.ResponseWriter, r *http.Request) {
	want, err := wantOf(r)
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	parts := multipart.NewWriter(w)
	start(w, "multipart/x-mixed-replace; boundary="+parts.Boundary())
	c.pictures(w, r, Wants{r.PathValue("camera"): want}, func(p Part) error {
		if p.Picture == nil || p.Picture.Hidden != "" {
			return nil
		}
		part, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {"image/jpeg"}, "Content-Length": {strconv.Itoa(len(p.Picture.JPEG))}})
		if err == nil {
			_, err = part.Write(p.Picture.JPEG)
		}
		return err
	})
}

// servePicture answers with the next picture of one camera.
func (c *Client) servePicture(w http.ResponseWriter, r *http.Request) {
	want, err := wantOf(r)
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), pictureTimeout)
	defer cancel()
	camera := r.PathValue("camera")
	defer time.AfterFunc(cameraTimeout, func() {
		if !c.Knows(camera) { // no detect has it
			cancel()
		}
	}).Stop()
	v := c.Watch(Wants{camera: want})
	defer v.Close()
	for {
		p, err := v.Next(ctx)
		switch {
		case err != nil:
			problem.Write(w, http.StatusNotFound, fmt.Sprintf("camera %.64q shows no picture", camera), "see its state on the page")
			return
		case p.Picture == nil:
		case p.Picture.Hidden != "":
			problem.Write(w, http.StatusNotFound, p.Picture.Hidden, "")
			return
		default:
			h := w.Header()
			h.Set("Content-Type", "image/jpeg")
			h.Set("Cache-Control", "no-store")
			h.Set("Last-Modified", p.Picture.CapturedAt.UTC().Format(http.TimeFormat))
			_, _ = w.Write(p.Picture.JPEG) // an error is a client that has gone
			return
		}
	}
}

// pictures calls write for each part until the client has gone, or takes nothing for writeLimit.
func (c *Client) pictures(w http.ResponseWriter, r *http.Request, wants Wants, write func(Part) error) {
	v := c.Watch(wants)
	defer v.Close()
	out := http.NewResponseController(w)
	for {
		p, err := v.Next(r.Context())
		if err != nil {
			return
		}
		_ = out.SetWriteDeadline(time.Now().Add(writeLimit))
		if write(p) != nil || out.Flush() != nil {
			return
		}
	}
}

func start(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // of a proxy, which would hold pictures back
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
}

// wantOf returns what the parameters width and fps ask for.
func wantOf(r *http.Request) (Want, error) {
	width, fps := defaultWidth, float64(defaultFPS)
	if text := r.FormValue("width"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100_000 {
			return Want{}, fmt.Errorf("width=%s: a number of pixels, 1 to 100000, is expected", text)
		}
		width = n
	}
	if text := r.FormValue("fps"); text != "" {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !(f >= 0.01 && f <= MaxFPS) {
			return Want{}, fmt.Errorf("fps=%s: a number of pictures a second, 0.01 to %d, is expected", text, MaxFPS)
		}
		fps = f
	}
	return Want{Widths: []int{WidthFor(width)}, FPS: fps}, nil
}

// split returns the names of a list that is separated by commas.
func split(list string) (names []string) {
	for name := range strings.SplitSeq(list, ",") {
		if name != "" && name != "*" {
			names = append(names, name)
		}
	}
	return names
}
