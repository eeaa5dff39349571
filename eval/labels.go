package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// Image is a labelled picture.
type Image struct {
	ID     int    `json:"id"`
	File   string `json:"file_name"` // relative; "clip.avi#120" is frame 120, from 0
	Width  int    `json:"width"`
	Height int    `json:"height"`

	Truth  []event.Box `json:"-"` // what must be found
	Ignore []event.Box `json:"-"` // what may be found
}

type labelFile struct {
	Images      []Image `json:"images"`
	Annotations []struct {
		Image    int        `json:"image_id"`
		Category int        `json:"category_id"`
		Box      [4]float32 `json:"bbox"` // x, y, width, height
		Crowd    int        `json:"iscrowd"`
	} `json:"annotations"`
	Categories []struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	} `json:"categories"`
}

// maxLabels bounds a label file, in bytes.
const maxLabels = 256 << 20

// ReadLabels reads a COCO label file and returns the boxes of one category, whose
// name event.ClassName compares.
func ReadLabels(path, category string) ([]Image, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage.Wrap(err, "check the path", "--labels %s: no such file", path)
	}
	if err != nil {
		return nil, usage.Wrap(err, "check its permissions", "--labels %s: cannot be read", path)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxLabels+1)) // a pipe or a device has no size to ask for
	if err != nil {
		return nil, usage.Wrap(err, "check its permissions", "--labels %s: cannot be read", path)
	}
	if len(b) > maxLabels {
		return nil, usage.New("split it", "--labels %s: larger than %d MB", path, maxLabels>>20)
	}
	var f labelFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, usage.Wrap(err, "give a COCO instances file", "--labels %s: %v", path, err)
	}
	images, err := f.join(category)
	if err != nil {
		return nil, usage.Wrap(err, "give a COCO instances file", "--labels %s: %v", path, err)
	}
	return images, nil
}

func (f *labelFile) join(category string) ([]Image, error) {
	wanted := make(map[int]bool)
	for _, c := range f.Categories {
		wanted[c.ID] = event.ClassName(c.Name) == event.ClassName(category)
	}
	known := false
	for _, w := range wanted {
		known = known || w
	}
	if !known {
		return nil, fmt.Errorf("no category is called %q", category)
	}
	byID := make(map[int]*Image, len(f.Images))
	for i := range f.Images {
		im := &f.Images[i]
		if byID[im.ID] != nil {
			return nil, fmt.Errorf("two images have id %d", im.ID)
		}
		byID[im.ID] = im
	}
	for i, a := range f.Annotations {
		im := byID[a.Image]
		if im == nil {
			return nil, fmt.Errorf("annotation %d is of image %d, which is not there", i, a.Image)
		}
		if !wanted[a.Category] {
			continue
		}
		box := event.Box{a.Box[0], a.Box[1], a.Box[0] + a.Box[2], a.Box[1] + a.Box[3]}
		if a.Crowd != 0 {
			im.Ignore = append(im.Ignore, box)
		} else {
			im.Truth = append(im.Truth, box)
		}
	}
	return f.Images, nil
}
