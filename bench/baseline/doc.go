// Package baseline has the pipeline that people would write instead of sightlog, in Python:
// OpenCV, onnxruntime, confluent-kafka, Apache Kafka, psycopg. bench/compare runs it.
//
//	produce.py   cameras → detector.py → topic
//	consume.py   topic → tables.sql
//
// tuned is written as the docs of these libraries advise, naive as their tutorials begin.
package baseline

import "embed"

// Files are the programs, their requirements and their tables.
//
//go:embed *.py requirements.txt tables.sql
var Files embed.FS
