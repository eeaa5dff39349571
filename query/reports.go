package query

// Report is a query with a name: the command `sightlog query NAME` runs it. A new
// report is one entry of Reports.
type Report struct {
	Name    string
	Help    string   // one line, for the list of commands
	Details string   // the meaning of the columns, for --help; may be empty
	Columns []string // of the answer, in order
	sql     string   // {where} stands for the filter, on a table s
}

// Reports are all reports, in the order of the help.
var Reports = []Report{
	{
		Name:    "people",
		Help:    "People per camera and minute (UTC).",
		Details: "frames are those that the detector processed, detections those of any class in them; max_people and avg_people count the detections labelled person in a frame.",
		Columns: []string{"camera", "minute", "frames", "detections", "max_people", "avg_people"},
		sql: `
SELECT c.name AS camera, m.minute, m.frames, m.detections, m.max_people, m.avg_people
FROM (SELECT s.camera_id, date_trunc('minute', s.captured_at) AS minute, count(*) AS frames,
             sum(s.objects) AS detections, max(s.people) AS max_people, round(avg(s.people), 2) AS avg_people
      FROM sightings s WHERE {where} GROUP BY 1, 2) m
JOIN cameras c ON c.id = m.camera_id
ORDER BY c.name, m.minute`,
	},
	{
		Name:    "crossings",
		Help:    "Crossings of lines per camera and minute (UTC).",
		Columns: []string{"camera", "minute", "line", "direction", "n"},
		sql: `
SELECT c.name AS camera, m.minute, m.line, m.direction, m.n
FROM (SELECT s.camera_id, date_trunc('minute', s.captured_at) AS minute, s.line, s.direction, count(*) AS n
      FROM crossings s WHERE {where} GROUP BY 1, 2, 3, 4) m
JOIN cameras c ON c.id = m.camera_id
ORDER BY c.name, m.minute, m.line, m.direction`,
	},
	{
		Name:    "latest",
		Help:    "The newest sighting of each camera.",
		Columns: []string{"camera", "run", "seq", "captured_at", "people", "detections", "model"},
		sql: `
SELECT c.name AS camera, r.run, l.seq, l.captured_at, l.people, l.objects AS detections, r.model
FROM cameras c
CROSS JOIN LATERAL (SELECT * FROM sightings s WHERE s.camera_id = c.id AND {where} ORDER BY s.captured_at DESC LIMIT 1) l
JOIN runs r ON r.id = l.run_id
ORDER BY c.name`,
	},
	{
		Name:    "latency",
		Help:    "How long each stage took, grabbed to committed.",
		Details: "The stages are decode (grabbed to decoded), infer, produce (until the record is handed to the log), fetch (until a sink has it), commit, and end_to_end (grabbed to commit acknowledged, which is when other sessions see the row). n is the number of sightings that have both times.",
		Columns: []string{"stage", "n", "p50_ms", "p95_ms", "p99_ms", "max_ms"},
		sql:     latency,
	},
}

// ReportNames returns the names of all reports.
func ReportNames() []string {
	names := make([]string, len(Reports))
	for i, r := range Reports {
		names[i] = r.Name
	}
	return names
}

// Question returns the report, narrowed by a filter.
func (r Report) Question(f Filter) Question { return Question{sql: r.sql, filter: f} }

// Question is a query of the tables. Answer runs it.
type Question struct {
	sql    string
	filter Filter // replaces {where} in sql
	own    bool   // sql is a user's own statement
}

// SQL is one statement of a user's own.
func SQL(statement string) Question { return Question{sql: statement, own: true} }
