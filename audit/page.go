package audit

import (
	_ "embed" // the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed estimate.js
	estimateJS string
	//go:embed page.js
	pageJS string
)

// Picture is a JPEG picture of a unit, at a position in its source.
type Picture struct {
	At   time.Duration
	JPEG []byte
}

// pageData is all that the page shows.
type pageData struct {
	Audit   int32        `json:"audit"`
	DrawnAt time.Time    `json:"drawn_at"`
	Camera  string       `json:"camera"`
	Line    string       `json:"line"`
	Since   string       `json:"since"`
	Until   string       `json:"until"`
	Sizes   map[Kind]int `json:"sizes"`
	LeftOut int          `json:"left_out"`
	Items   []pageItem   `json:"items"`
}

type pageItem struct {
	Kind     Kind     `json:"kind"`
	At       string   `json:"at"`
	Seconds  []string `json:"seconds"`  // of each picture, from the crossing or the beginning of the stretch
	Middle   int      `json:"middle"`   // the picture to begin with
	Pictures []string `json:"pictures"` // data URIs
}

const timeFormat = "2006-01-02 15:04:05Z"

// WritePage writes the page that asks for the answers to an audit: one file without links, that
// holds the pictures of each unit of the sample.
func WritePage(w io.Writer, d *Drawn, s *Subject, p *Population, pictures [][]Picture) error {
	data := pageData{
		Audit: d.ID, DrawnAt: d.DrawnAt, Camera: d.Camera, Line: d.Line,
		Since: s.Since.UTC().Format(timeFormat), Until: s.Until.UTC().Format(timeFormat),
		Sizes: map[Kind]int{In: d.Sizes.In, Out: d.Sizes.Out, Stretch: d.Sizes.Stretches}, LeftOut: p.LeftOut,
	}
	for i, u := range d.Sample {
		item := pageItem{Kind: u.Kind, At: p.Runs[u.Run].Began.Add(u.From).UTC().Format(timeFormat)}
		for k, picture := range pictures[i] {
			if picture.At <= u.From {
				item.Middle = k
			}
			item.Seconds = append(item.Seconds, fmt.Sprintf("%+.1f", (picture.At-u.From).Seconds()))
			item.Pictures = append(item.Pictures, "data:image/jpeg;base64,"+base64.StdEncoding.EncodeToString(picture.JPEG))
		}
		data.Items = append(data.Items, item)
	}
	head, rest, _ := strings.Cut(pageHTML, "@DATA@")
	middle, tail, _ := strings.Cut(rest, "@SCRIPT@")
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(data); err != nil { // it escapes <, so that no name ends the script
		return err
	}
	_, err := io.WriteString(w, middle+estimateJS+pageJS+tail)
	return err
}
