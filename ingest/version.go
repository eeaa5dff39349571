package ingest

import "gocv.io/x/gocv"

// Version returns the version of the video library that is linked.
func Version() string { return "OpenCV " + gocv.OpenCVVersion() }
