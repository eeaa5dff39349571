package models

import (
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// Entry is one model of the catalogue.
type Entry struct {
	Name     string // as users type it
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
	SHA256 string   // lower-case hex
	Size   int64    // bytes
	URLs   []string // tried in turn; none: it cannot be pulled
	// Verified: a file with this SHA-256 was run and detected people
	// in the tests. Else hash and size are what public sources pin for the
	// address, and nobody has run the file (untested).
	Verified bool
}

const (
	yoloxRelease = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/"
	// Optimum's exports of the authors' weights, at revisions that do not move.
	onnxCommunity = "https://huggingface.co/onnx-community/"
	openCVZoo     = "https://media.githubusercontent.com/media/opencv/opencv_zoo/510899a2a0adb8c25957915fd030d66dbd553919/models/"
)

// Catalogue returns the entries in the order in which they are listed.
func Catalogue() []Entry {
	own := func(name, about string) Entry {
		m := inProgram()[name]
		return Entry{
			Name: name, File: name + ".onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/sightlog/sightlog",
			Input:    "free, multiples of 32, BGR 0-255", Decoder: "sightlog", About: about,
			Builds: []Build{{SHA256: m.SHA256, Size: int64(len(m.Data)), Verified: true}},
		}
	}
	yolox := func(size, input, about string, builds ...Build) Entry {
		builds[len(builds)-1].URLs = []string{yoloxRelease + "yolox_" + size + ".onnx"}
		return Entry{
			Name: "yolox-" + size, File: "yolox_" + size + ".onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/Megvii-BaseDetection/YOLOX",
			Input:    input + ", BGR 0-255", Decoder: "yolox", About: about, Builds: builds,
		}
	}
	return []Entry{
		own(Default, "persons only; our own, in the program"),
		own(Int8, "the same at eight bits; faster where the processor has VNNI"),
		own(Small, "persons only; finds more, at 2.5 times the time"),
		own(SmallInt8, "the same at eight bits; half the time where the processor has VNNI"),
		yolox("nano", "416x416", "COCO, 80 classes; 0.91 M parameters, AP 25.8",
			Build{SHA256: "d39bee73564e338080378b0ad567fbb40e818b55bbfaf971de82a0267ed16b8a", Size: 3713911, Verified: true},
			// The release's own file is another export of the same weights.
			Build{SHA256: "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d", Size: 3659407}),
		// The release publishes no hashes. Each of these is pinned, with the size,
		// by several public projects that downloaded the release's file and
		// hashed it independently; that of nano above agrees with them.
		yolox("tiny", "416x416", "COCO, 80 classes; 5.06 M parameters, AP 32.8",
			Build{SHA256: "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7", Size: 20219662}),
		yolox("s", "640x640", "COCO, 80 classes; 9.0 M parameters, AP 40.5",
			Build{SHA256: "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063", Size: 35858002}),
		yolox("m", "640x640", "COCO, 80 classes; 25.3 M parameters, AP 47.2",
			Build{SHA256: "21ff6cfdeb53b013bac2249599e55f00bff3cfdfdab37ed7a4620818c1d15b3f", Size: 101259744}),
		// Several public projects pin these at their revisions, too. Of D-FINE-N's
		// export one of them warns that its scores are too low.
		{
			Name: "dfine-n", File: "dfine_n.onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/Peterande/D-FINE",
			Input:    "640x640 stretched, RGB 0-1", Decoder: "detr", About: "COCO, 80 classes; 4 M parameters, AP 42.8",
			Builds: []Build{{
				SHA256: "0f684f409618ee8a822410e754a29caa817d1aa16283ce89cad936d0a48e2f35", Size: 15258358,
				URLs: []string{onnxCommunity + "dfine_n_coco-ONNX/resolve/380d2839c327efaf65dd0fe0c2c10ab7fadd5473/onnx/model.onnx"},
			}},
		},
		{
			Name: "dfine-s", File: "dfine_s.onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/Peterande/D-FINE",
			Input:    "640x640 stretched, RGB 0-1", Decoder: "detr", About: "COCO, 80 classes; 10 M parameters, AP 48.5",
			Builds: []Build{{
				SHA256: "cd8a49a945feda6d28c6304ae8ae85c2759ba1d78a5a83a22c5ce8db82ef7238", Size: 41535197,
				URLs: []string{onnxCommunity + "dfine_s_coco-ONNX/resolve/a3cf03147a9b86c78475139115c8ac142577352d/onnx/model.onnx"},
			}},
		},
		{
			Name: "rfdetr-nano", File: "rfdetr_nano.onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/roboflow/rf-detr",
			Input:    "384x384 stretched, RGB normalised", Decoder: "detr", About: "COCO, 80 classes; 30 M parameters, AP 48.4",
			Builds: []Build{{
				SHA256: "9cbac6b11ce34a03034e4d5a24cfac5f18632fd6761d1311dd640232088d7fee", Size: 108074865,
				URLs: []string{onnxCommunity + "rfdetr_nano-ONNX/resolve/eae21cee0687a91bcf9fa071605c48d7705d2d91/onnx/model.onnx"},
			}},
		},
		{
			Name: "rtmdet-nano-person", File: "rtmdet_nano_person.onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose",
			Input:    "free, multiples of 32, BGR normalised", Decoder: "mmdeploy", About: "persons only, suppression inside",
			Builds: []Build{{
				SHA256: "4720eda18a18402e7b76d85827d4bc60fba18111fc0b74b559e4d24da9ddc3d2", Size: 4038157, Verified: true,
				// OpenMMLab's own address has a zip of another export.
				URLs: []string{"https://modelscope.cn/models/wht0926/xedu-hub-models/resolve/master/bodydetect.onnx"},
			}},
		},
		{
			Name: "nanodet-m", File: "nanodet_m.onnx", Licence: "Apache-2.0",
			Homepage: "https://github.com/RangiLyu/nanodet",
			Input:    "416x416, BGR normalised", Decoder: "nanodet", About: "COCO, 80 classes; 0.95 M parameters",
			Builds: []Build{{
				SHA256: "4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186", Size: 3800954, Verified: true,
				URLs: []string{
					openCVZoo + "object_detection_nanodet/object_detection_nanodet_2022nov.onnx",
					"https://huggingface.co/opencv/object_detection_nanodet/resolve/5bfd47077350a726ad440dd7bd1e1e35e8ebcfb2/object_detection_nanodet_2022nov.onnx",
				},
			}},
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
	fix := "known are " + strings.Join(known, ", ") + ", or name an .onnx file"
	if near := usage.Nearest(name, known); near != "" {
		fix = "did you mean " + near + "?"
	}
	return Entry{}, usage.New(fix, "unknown model %q", name)
}
