package detector

import (
	"strconv"
	"strings"
)

// coco are the 80 classes of the COCO detection task, by class id.
var coco = strings.Split("person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,"+
	"fire hydrant,stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,"+
	"elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,"+
	"skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,"+
	"wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,"+
	"broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,"+
	"dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,"+
	"toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush", ",")

// label names a class; one the model has no name for is "class <id>".
func label(classes []string, id int) string {
	if id >= 0 && id < len(classes) {
		return classes[id]
	}
	return "class " + strconv.Itoa(id)
}

// coco91 spreads the 80 classes over the category ids of COCO's annotation
// files, which run from 1 to 90 with gaps.
func coco91() []string {
	gaps := map[int]bool{0: true, 12: true, 26: true, 29: true, 30: true, 45: true, 66: true, 68: true, 69: true, 71: true, 83: true}
	names := make([]string, 91)
	next := 0
	for id := range names {
		if gaps[id] {
			names[id] = label(nil, id)
			continue
		}
		names[id] = coco[next]
		next++
	}
	return names
}
