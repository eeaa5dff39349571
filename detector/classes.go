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
