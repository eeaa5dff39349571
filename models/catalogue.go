package models

import (
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// Entry is one model of the catalogue.
type Entry struct {
	Name     string // what a person types
	File     string // its file's name in a models directory
	Licence  string // of the weights, SPDX
	Homepage string
	Input    string // in words: size and colours
	Decoder  string // of package detector
	About    string
	Builds   []Build // files that go by this name; the first with a URL is pulled
}

// Build is one file of a model. The same weights exported twice differ in
// their bytes.
type Build struct {
	SHA256 string   // lower-case hex; "" where not even a published one is known
	Size   int64    // bytes; 0 unknown
	URLs   []string // tried in turn; none: it cannot be pulled
	// Verified: a real file with this SHA-256 was at hand and detected people
	// in the tests. Else the hash is hearsay.
	Verified bool
}

// Default is the model used where none is named.
const Default = "person-nano"

const yoloxRelease = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/"

// Catalogue returns the entries in the order in which they are listed.
func Catalogue() []Entry {
	yolox := func(size, input, about string, builds ...Build) Entry {
		builds[len(builds)-1].URLs = []string{yoloxRelease + "yolox_" + size + ".onnx"}
		return Entry{
			Name: "yolox-" + size, File: "yolox_" + size + ".onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/Megvii-BaseDetection/YOLOX",
			Input:    input + ", BGR 0-255", Decoder: "yolox", About: about, Builds: builds,
		}
	}
	return []Entry{
		{
			Name: Default, File: Default + ".onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/sightlog/sightlog",
			Input:    "free, multiples of 32, BGR 0-255", Decoder: "sightlog", About: "persons only; our own, in the program",
			Builds: []Build{{SHA256: personNanoSum(), Size: int64(len(personNano)), Verified: true}},
		},
		yolox("nano", "416x416", "COCO, 80 classes; 0.91 M parameters, AP 25.8",
			Build{SHA256: "d39bee73564e338080378b0ad567fbb40e818b55bbfaf971de82a0267ed16b8a", Size: 3713911, Verified: true},
			// The release's own file is another export of the same weights.
			Build{SHA256: "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d", Size: 3659407}),
		yolox("tiny", "416x416", "COCO, 80 classes; 5.06 M parameters, AP 32.8", Build{}),
		yolox("s", "640x640", "COCO, 80 classes; 9.0 M parameters, AP 40.5", Build{}),
		yolox("m", "640x640", "COCO, 80 classes; 25.3 M parameters, AP 47.2", Build{}),
		{
			Name: "rtmdet-nano-person", File: "rtmdet_nano_person.onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose",
			Input:    "free, multiples of 32, BGR normalised", Decoder: "mmdeploy", About: "persons only, suppression inside",
			Builds: []Build{{SHA256: "4720eda18a18402e7b76d85827d4bc60fba18111fc0b74b559e4d24da9ddc3d2", Size: 4038157, Verified: true}},
		},
		{
			Name: "nanodet-m", File: "nanodet_m.onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/RangiLyu/nanodet",
			Input:    "416x416, BGR normalised", Decoder: "nanodet", About: "COCO, 80 classes; 0.95 M parameters",
			Builds: []Build{{SHA256: "4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186", Size: 3800954, Verified: true}},
		},
	}
}

// Find returns the entry of that name. An unknown one is a *usage.Error with
// the nearest known name.
func Find(name string) (Entry, error) {
	var known []string
	for _, e := range Catalogue() {
		if e.Name == name {
			return e, nil
		}
		known = append(known, e.Name)
	}
	mend := "known are " + strings.Join(known, ", ") + ", or name an .onnx file"
	if near := usage.Nearest(name, known); near != "" {
		mend = "did you mean " + near + "?"
	}
	return Entry{}, usage.New(mend, "unknown model %q", name)
}
