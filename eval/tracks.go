package eval

// TrackScore is how well tracks follow the people of a ground truth.
type TrackScore struct {
	Frames int `json:"frames"`
	People int `json:"people"` // of the truth
	Boxes  int `json:"boxes"`  // of the truth
	Tracks int `json:"tracks"` // found

	HOTA float64 `json:"hota"` // mean over IoU 0.05, 0.10, …, 0.95 of √(DetA × AssA)
	DetA float64 `json:"deta"` // how well people are found, mean over the same
	AssA float64 `json:"assa"` // how well they keep their numbers, mean over the same
	IDF1 float64 `json:"idf1"` // at IoU 0.50, as the following
	MOTA float64 `json:"mota"`

	Switches int `json:"switches"` // a person's number is another than before
	False    int `json:"false"`    // boxes of tracks without a person
	Missed   int `json:"missed"`   // boxes of people without a track
}

// EvaluateTracks compares tracks with a ground truth of the same frames. Boxes of the
// truth that are not to be counted are left out before anything else, as TrackEval
// does for MOT15: a track on one of them is false.
func EvaluateTracks(truth, found Tracks) TrackScore {
	frames, people, tracks := align(truth, found)
	s := TrackScore{Frames: len(frames), People: people, Tracks: tracks}
	c := countClear(frames, people)
	s.Boxes, s.Switches, s.False, s.Missed = c.boxes, c.switches, c.unmatched, c.boxes-c.matched
	if c.boxes > 0 {
		s.MOTA = float64(c.matched-c.unmatched-c.switches) / float64(c.boxes)
	}
	s.IDF1 = idf1(frames, people, tracks)
	s.HOTA, s.DetA, s.AssA = hota(frames, people, tracks)
	return s
}
