package config

import (
	"cmp"
	"time"
)

// Common keys of every command.
type Common struct {
	Config    string `placeholder:"FILE" help:"Read keys from this YAML file; they are named as the flags are." env:"SIGHTLOG_CONFIG"`
	LogLevel  string `enum:"debug,info,warn,error," default:"" placeholder:"LEVEL" help:"Log to standard error at this level: debug, info, warn or error."`
	LogFormat string `enum:"text,json" default:"text" help:"Messages on standard error as text, or each as one JSON object (${default})."`
}

// Data is the data directory.
type Data struct {
	Data string `default:"sightlog-data" placeholder:"DIR" help:"The data directory: the log and the private database (${default})."`
}

// Cluster is how to reach a Kafka cluster.
type Cluster struct {
	Brokers      []string `placeholder:"HOST:PORT" help:"Kafka brokers; without it, the bundled one."`
	TLS          bool     `name:"tls" help:"Speak TLS with the brokers."`
	TLSCA        string   `name:"tls-ca" placeholder:"FILE" help:"PEM certificates to trust instead of the system's."`
	TLSCert      string   `name:"tls-cert" placeholder:"FILE" help:"PEM client certificate."`
	TLSKey       string   `name:"tls-key" placeholder:"FILE" help:"PEM key of --tls-cert."`
	SASL         string   `name:"sasl" enum:"plain,scram-sha-256,scram-sha-512,oauthbearer," default:"" placeholder:"MECHANISM" help:"Authenticate: plain, scram-sha-256, scram-sha-512 or oauthbearer."`
	SASLUser     string   `name:"sasl-user" placeholder:"NAME" help:"User for --sasl; of a token endpoint, the client's id."`
	SASLPassword string   `name:"sasl-password" placeholder:"PASSWORD" help:"Password for --sasl; better given as SIGHTLOG_SASL_PASSWORD. Of a token endpoint, the client's secret."`
	SASLToken    string   `name:"sasl-token" placeholder:"file:PATH|command:PROGRAM|URL" help:"Token for --sasl oauthbearer, got for each login: from a file, from the output of a program, or from a token endpoint by --sasl-user and --sasl-password."`
	SASLScope    []string `name:"sasl-scope" placeholder:"SCOPE" help:"Scopes to ask the token endpoint for."`

	SchemaRegistry string `placeholder:"URL" help:"Schema registry of records in Avro or Protobuf, as http://127.0.0.1:8081; with a password better given as SIGHTLOG_SCHEMA_REGISTRY."`
}

// Kafka is how to reach and use a Kafka cluster.
type Kafka struct {
	Cluster

	Compression string        `enum:"zstd,lz4,snappy,gzip,none" default:"zstd" help:"Compress what is produced: zstd, lz4, snappy, gzip or none (${default})."`
	Linger      time.Duration `default:"0s" help:"Wait this long to fill a batch of live sightings (${default})."`
	Encoding    string        `enum:"json,avro,protobuf" default:"json" help:"Write sightings, crossings and visits as json, avro or protobuf (${default}); the last two need a schema registry."`
	Partitions  int32         `default:"8" help:"Partitions of the sightings topic when it is created (${default})."`
}

// Database is the PostgreSQL that the rows go to.
type Database struct {
	DatabaseURL string `name:"database-url" placeholder:"URL" help:"PostgreSQL to write to; without it, a private one in the data directory."`
	Schema      string `placeholder:"NAME" help:"Schema of the tables, created if it is missing; without it, the first of the search path, usually public."`
}

// Store is which sightings become rows.
type Store struct {
	Store string `enum:"all,people,tracks" default:"all" help:"Sightings to write rows of: all; people: those with detections; tracks: none, but totals, tracks, visits and crossings (${default})."`
}

// Sinks is how the log is written into the database.
type Sinks struct {
	Store

	Sinks         int           `default:"2" help:"Concurrent consumers that write into the database (${default})."`
	Group         string        `default:"sightlog-sink" help:"Consumer group of the sinks (${default})."`
	Keep          []string      `placeholder:"[TABLE=]TIME" help:"Delete rows that are older: 30d is how long sightings are kept, crossings=1y and so on the other tables (sightings, crossings, totals, tracks, visits, snapshots), in h, d, w or y; forever without it, but snapshots 7d."`
	SnapshotSpace float64       `default:"10" placeholder:"GB" help:"Delete the oldest snapshots when all take more than so many gigabytes of the database (${default}); 0: without limit."`
	BatchDelay    time.Duration `default:"0s" help:"Wait this long for more records before a transaction: fewer and larger ones, which commit later (${default})."`
	Outbox        []string      `enum:"crossings,visits" placeholder:"EVENTS" help:"Also write these events into the table outbox, for an application to act on: crossings, visits or both. In the transaction of their rows, so that none is missing and none is there twice."`
	From          []string      `placeholder:"[TOPIC/[PARTITION/]]WHERE" help:"Where to continue in partitions that are stopped because the log is not the one that the tables were written from: earliest (existing rows are not changed), latest or an offset. Other partitions are not affected."`
	Skip          []string      `placeholder:"TOPIC/PARTITION/OFFSET" env:"-" help:"Continue after this offset, which the sink has reported as unreadable: the batch becomes a dead letter."`
}

// Wait is the choice never to give up: on sources and services that cannot be reached yet
// and, of run, on a detect that crashes.
type Wait struct {
	Wait bool `help:"Retry for ever to reach sources, brokers and database at the start; run restarts a detect that crashes for ever, too."`
}

// Traces are the frames that are traced.
type Traces struct {
	OTLPEndpoint string  `name:"otlp-endpoint" placeholder:"URL" help:"Send OpenTelemetry traces of frames, from the camera to the commit, to this collector (OTLP over HTTP, as http://127.0.0.1:4318)."`
	TraceSample  float64 `default:"0.01" placeholder:"0..1" help:"Share of the frames that are traced (${default})."`
}

// Broker is the bundled broker.
type Broker struct {
	Listen         string `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where the bundled broker listens (${default}; port 0 takes a free one)."`
	RegistryListen string `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where the schema registry of the bundled broker listens (${default}); off: there is none."`
	BrokerSettings string `placeholder:"FILE" help:"Settings of the bundled broker by Kafka's names, such as num.partitions: 6, a YAML file or one with the ending .properties."`
}

// SnapshotsKey is the key of Detect.Snapshots.
const SnapshotsKey = "snapshots"

// Privacy is what pictures do not show.
type Privacy struct {
	Privacy string `enum:"off,faces,people" default:"off" help:"Make the faces of people, or whole people, unrecognisable in every picture: off, faces or people (${default}). A camera can have its own (key privacy)."`
}

// PrivacyOf returns the privacy of a camera.
func (p Privacy) PrivacyOf(c CameraSettings) string { return cmp.Or(c.Privacy, p.Privacy, "off") }

// Detect is the choice of sources and model.
type Detect struct {
	Privacy

	Source       []string      `sep:"none" placeholder:"[ID=]URI" help:"A video file, directory of pictures, webcam (0, /dev/video0), stream (rtsp://, rtmp://, srt://, udp://, tcp://, http://), named pipe, or - for standard input. Repeat for more cameras."`
	SourceFile   string        `placeholder:"FILE" help:"More sources, one [ID=]URI a line, # before a comment. Passwords belong here: other users see a command line (ps)."`
	Pace         string        `enum:"as-recorded,fast" default:"as-recorded" help:"Play files as-recorded, or as fast as the detector goes (${default})."`
	StartTimeout time.Duration `default:"10s" help:"Give up when a source does not open within this time (${default})."`
	Model        string        `default:"auto" placeholder:"NAME|FILE" help:"A model of the catalogue or an ONNX file; auto is person-nano, and auto-small person-small, at eight bits where a trial at the first start shows that to be faster (${default})."`
	Unverified   bool          `help:"Allow a catalogue model whose checksum is not known."`
	Classes      []string      `default:"person" help:"Classes to report, in any case (${default})."`
	Side         int           `placeholder:"PIXELS" help:"Longer side of the model's input, where the model leaves it free: larger finds smaller people, slower (the model's own)."`
	Score        float32       `placeholder:"0..1" help:"Report detections at or above this score (the model's own)."`
	Track        string        `enum:"on,off" default:"on" help:"Track objects, so that each keeps its track ID from frame to frame: on or off (${default})."`
	Threads      int           `placeholder:"N" help:"CPU threads for the model (all cores)."`
	SkipEmpty    bool          `help:"Do not write sightings of frames without detections."`
	Snapshots    string        `enum:"on,off" default:"off" help:"Take pictures: the best of each tracked object, and three of each crossing of a line: on or off (${default})."`

	SnapshotStretches int    `default:"0" placeholder:"N" help:"With --snapshots on, also keep pictures of N stretches of ten seconds a day and camera, drawn at random, from which audit --snapshots estimates what was missed; 8640 is all of the day, 0 none (${default})."`
	Preview           string `placeholder:"PATH" help:"Draw the detections into a video (.avi, .mp4) or a directory of pictures; with several cameras, into a directory of videos. Existing files are never overwritten; new ones are numbered."`
}
