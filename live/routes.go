package live

import (
	"net/http"

	"github.com/sightlog/sightlog/web/route"
)

// Routes returns the routes of live pictures.
func (c *Client) Routes() []route.Route {
	camera := route.Param{Name: "camera", Help: "The camera.", Type: "", Required: true}
	width := route.Param{Name: "width", Help: "Pixels; pictures are 320, 480, 640, 960, 1280 or 1920 wide, the next above it, and no wider than the camera's frames. Without it 640.", Type: 0, Min: 1, Max: 100_000}
	fps := route.Param{Name: "fps", Help: "Pictures a second of each camera at most, up to 30. Without it 5.", Type: 0.0, Min: 0.01, Max: MaxFPS}
	return []route.Route{
		{
			Pattern: "GET /api/v1/live", Role: route.Reader, Stream: true, Handler: http.HandlerFunc(c.serveParts),
			Doc: &route.Doc{
				Summary: "Pictures and states of cameras while they are looked at, in one response that does not end",
				Help: "The body is a sequence of parts. A part is two lengths of 4 bytes, most significant first, of a JSON text and of a JPEG picture, then both. " +
					"The JSON has picture: camera, run, seq, captured_at, frame (its size, in whose pixels boxes are), objects (those of the sighting with this run and seq), hidden (why there is no picture); " +
					"or status: now and cameras with id, state (opening, running, ended, lost), live, fps, people, newest, problem, privacy. " +
					"A client that reads slowly gets fewer pictures, never old ones.",
				Params: []route.Param{
					{Name: "cameras", Help: "The cameras, separated by commas. Without it there are states alone, of all cameras.", Type: ""}, width, fps,
				},
				Answers: []route.Answer{{Status: http.StatusOK, Help: "Parts, until the client ends it.", Media: []string{mediaType}, Type: ""}},
			},
		},
		{
			Pattern: "GET /api/v1/cameras/{camera}/live.mjpeg", Role: route.Reader, Stream: true, Handler: http.HandlerFunc(c.serveMJPEG),
			Doc: &route.Doc{
				Summary: "The pictures of a camera as Motion JPEG, without boxes",
				Params:  []route.Param{camera, width, fps},
				Answers: []route.Answer{{Status: http.StatusOK, Help: "Pictures, until the client ends it.", Media: []string{"multipart/x-mixed-replace"}, Type: ""}},
			},
		},
		{
			Pattern: "GET /api/v1/cameras/{camera}/picture.jpg", Role: route.Reader, Handler: http.HandlerFunc(c.servePicture),
			Doc: &route.Doc{
				Summary: "The next picture of a camera, without boxes",
				Params:  []route.Param{camera, width},
				Answers: []route.Answer{
					{Status: http.StatusOK, Help: "The picture.", Media: []string{"image/jpeg"}, Type: ""},
					{Status: http.StatusNotFound, Help: "The camera shows no picture: it is not there, does not run, or people cannot be hidden in it."},
				},
			},
		},
	}
}
