package query

import "time"

// pastWeeks is how many of the same weekdays before a day it is compared with.
const pastWeeks = 4

// likeParts is the least part that the shorter of two watched times must be of the longer
// for their figures to be compared.
const likeParts = 0.9

// Day is what was seen on one day of a time zone, as far as it has come: of people alone,
// without staff where rules recognise them. Lists by the hour have an entry for each of
// Hours, null where no camera that counts into it processed a frame.
type Day struct {
	Day        string      `json:"day"`
	TZ         string      `json:"tz"`
	Since      time.Time   `json:"since"`
	Until      time.Time   `json:"until"` // the end of the day
	UpTo       time.Time   `json:"up_to"` // Until, or the present time
	InProgress bool        `json:"in_progress"`
	Hours      []time.Time `json:"hours"` // their beginnings: 24, or 23 or 25 when the clock changes

	Watched Watched     `json:"watched"`
	People  Count       `json:"people"` // tracks that began
	In      Count       `json:"in"`     // crossings of lines
	Out     Count       `json:"out"`
	InView  InView      `json:"in_view"` // in all pictures together
	Busiest *Busiest    `json:"busiest"`
	Cameras []DayCamera `json:"cameras"`
	Lines   []DayLine   `json:"lines"`
	Zones   []DayZone   `json:"zones"`
	Places  []DayPlace  `json:"places"`
	Past    []PastDay   `json:"past"` // the same weekdays before, up to the same time of day
	NoStaff bool        `json:"without_staff"`
}

// Watched says how much was watched: seconds of a camera in which it processed a frame.
type Watched struct {
	Seconds int64 `json:"seconds"`
	Of      int64 `json:"of"` // as many as there were, of all cameras
}

// Count is a number of a day, by the hour, and what is usual.
type Count struct {
	N      int64    `json:"n"`
	ByHour []*int64 `json:"by_hour"`
	Usual  *Usual   `json:"usual"` // null if no day before can be compared
}

// Usual is the range of a number on the days before that can be compared.
type Usual struct {
	Days int     `json:"days"`
	Mean float64 `json:"mean"`
	Low  int64   `json:"low"`
	High int64   `json:"high"`
}

// InView is the number of people in the picture. Most is the sum of the cameras' highest
// numbers of one minute.
type InView struct {
	Now    *int64     `json:"now"` // null on days before, and where no sighting has come for two minutes
	UpTo   *time.Time `json:"up_to"`
	Most   *int64     `json:"most"`
	MostAt *time.Time `json:"most_at"` // the minute
	ByHour []*int64   `json:"by_hour"` // the highest
}

// Busiest is the hour with most people in view on average.
type Busiest struct {
	At       time.Time `json:"at"`
	Average  float64   `json:"average"`
	Coverage float64   `json:"coverage"`
}

// DayCamera are the figures of a camera.
type DayCamera struct {
	Camera  string  `json:"camera"`
	Watched Watched `json:"watched"`
	People  Count   `json:"people"`
	In      int64   `json:"in"`
	Out     int64   `json:"out"`
	InView  InView  `json:"in_view"`
}

// DayLine are the crossings of a line.
type DayLine struct {
	Camera string `json:"camera"`
	Line   string `json:"line"`
	In     Count  `json:"in"`
	Out    Count  `json:"out"`
}

// DayZone are the visits of a zone that began on the day.
type DayZone struct {
	Camera   string   `json:"camera"`
	Zone     string   `json:"zone"`
	Visits   Count    `json:"visits"`
	MedianS  *float64 `json:"median_s"`
	P90S     *float64 `json:"p90_s"`
	InView   InView   `json:"in_view"`
	LongestS *float64 `json:"longest_s"` // how long the first in the queue has waited now
}

// DayPlace is the balance of a place.
type DayPlace struct {
	Place    string   `json:"place"`
	In       int64    `json:"in"`
	Out      int64    `json:"out"`
	Inside   int64    `json:"inside"` // at the end of the day, or now
	Most     *int64   `json:"most"`
	Capacity *int64   `json:"capacity"`
	ByHour   []*int64 `json:"by_hour"` // the highest

	reset time.Time
}

// PastDay is the same weekday before. It is compared if it was watched for about as long.
type PastDay struct {
	Day      string  `json:"day"`
	Watched  Watched `json:"watched"`
	Compared bool    `json:"compared"`
	People   int64   `json:"people"`
	In       int64   `json:"in"`
	Out      int64   `json:"out"`
}
