-- Every table, view and column says in the database what it holds: psql's \d+
-- shows it, and docs/tables.md is generated from it.

COMMENT ON TABLE cameras IS 'One row for each camera.';
COMMENT ON COLUMN cameras.id IS 'Number of the camera in the other tables.';
COMMENT ON COLUMN cameras.name IS 'Name of the camera, as in --source NAME=ADDRESS.';

COMMENT ON TABLE runs IS 'One row for each run: one opening of one source. A file that is resumed continues its run.';
COMMENT ON COLUMN runs.id IS 'Number of the run in the other tables.';
COMMENT ON COLUMN runs.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN runs.run IS 'Identifier of the run in the log; identifiers sort by their start.';
COMMENT ON COLUMN runs.source_kind IS 'file, webcam, stream, images or test.';
COMMENT ON COLUMN runs.source IS 'Address of the source, without password and stream key.';
COMMENT ON COLUMN runs.fingerprint IS 'Identifies the content of a file: the same file resumes its run.';
COMMENT ON COLUMN runs.model IS 'Name of the detector''s model.';
COMMENT ON COLUMN runs.model_sha256 IS 'SHA-256 of the model''s file.';
COMMENT ON COLUMN runs.model_width IS 'Width of the model''s input in pixels.';
COMMENT ON COLUMN runs.model_height IS 'Height of the model''s input in pixels.';
COMMENT ON COLUMN runs.provider IS 'Execution provider of the model, for example cpu.';
COMMENT ON COLUMN runs.started_at IS 'Start of the run; null until the record of the run has been read.';
COMMENT ON COLUMN runs.finished_at IS 'End of the run; null while it is unfinished.';
COMMENT ON COLUMN runs.outcome IS 'finished, or damaged: the source ended with frames missing. Null while it is unfinished.';
COMMENT ON COLUMN runs.damage IS 'Description of the damage.';
COMMENT ON COLUMN runs.frames IS 'Sightings written, over all openings of the run.';
COMMENT ON COLUMN runs.dropped IS 'Frames that a live source dropped.';

COMMENT ON TABLE classes IS 'Names of the classes of each run''s model.';
COMMENT ON COLUMN classes.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN classes.class_id IS 'Number of the class in the model.';
COMMENT ON COLUMN classes.label IS 'Name of the class, in lower case.';

COMMENT ON TABLE batches IS 'One row for each transaction of a sink, written after its commit. A sink that is killed in between leaves its last transaction without a row.';
COMMENT ON COLUMN batches.batch_id IS 'Number of the transaction.';
COMMENT ON COLUMN batches.fetched_at IS 'Time at which its records had been fetched from the log.';
COMMENT ON COLUMN batches.committed_at IS 'Time at which the database acknowledged the commit.';
COMMENT ON COLUMN batches.records IS 'Number of its records.';

COMMENT ON TABLE sightings IS 'One row for each processed frame, also for frames without detections. Partitioned by day (UTC) of captured_at.';
COMMENT ON COLUMN sightings.captured_at IS 'Time of the event: of a live source the arrival of the frame, of a file the start of the run plus the position of the frame.';
COMMENT ON COLUMN sightings.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN sightings.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN sightings.seq IS 'Index of the frame in its source, from 0.';
COMMENT ON COLUMN sightings.pts_us IS 'Position of the frame in its source, in microseconds.';
COMMENT ON COLUMN sightings.grabbed_at IS 'Time at which the host had received the frame, before decoding. Latency is counted from here.';
COMMENT ON COLUMN sightings.decoded_at IS 'Time at which the frame was decoded.';
COMMENT ON COLUMN sightings.inferred_at IS 'Time at which the detector had processed the frame.';
COMMENT ON COLUMN sightings.produced_at IS 'Time at which the sighting was sent to the log.';
COMMENT ON COLUMN sightings.batch_id IS 'The sink''s transaction that wrote the row (batches.batch_id).';
COMMENT ON COLUMN sightings.dropped_before IS 'Frames dropped since the sighting before (live sources under load).';
COMMENT ON COLUMN sightings.width IS 'Width of the frame in pixels.';
COMMENT ON COLUMN sightings.height IS 'Height of the frame in pixels.';
COMMENT ON COLUMN sightings.people IS 'Number of detections labelled person.';
COMMENT ON COLUMN sightings.objects IS 'Number of detections.';

COMMENT ON TABLE detections IS 'One row for each detection. Partitioned as sightings is.';
COMMENT ON COLUMN detections.captured_at IS 'Time of the event, as in sightings.';
COMMENT ON COLUMN detections.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN detections.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN detections.seq IS 'Index of the frame in its source, from 0.';
COMMENT ON COLUMN detections.track_id IS 'Number of the tracked object, the same from frame to frame and unique in the run; null with --track off.';
COMMENT ON COLUMN detections.object_index IS 'Index of the detection in its frame, by falling score, from 0.';
COMMENT ON COLUMN detections.class_id IS 'Number of the class in the model (classes.class_id).';
COMMENT ON COLUMN detections.score IS 'Confidence of the detector, 0 to 1.';
COMMENT ON COLUMN detections.x1 IS 'Left edge of the box, in pixels of the frame.';
COMMENT ON COLUMN detections.y1 IS 'Upper edge of the box, in pixels of the frame.';
COMMENT ON COLUMN detections.x2 IS 'Right edge of the box, in pixels of the frame.';
COMMENT ON COLUMN detections.y2 IS 'Lower edge of the box, in pixels of the frame.';
COMMENT ON COLUMN detections.zones IS 'Names of the zones that the feet (the middle of the lower edge) are in; null for none.';

COMMENT ON TABLE crossings IS 'One row for each crossing of a line by a tracked object.';
COMMENT ON COLUMN crossings.captured_at IS 'Time of the frame in which the crossing was detected.';
COMMENT ON COLUMN crossings.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN crossings.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN crossings.seq IS 'Index of that frame in its source, from 0.';
COMMENT ON COLUMN crossings.line IS 'Name of the line.';
COMMENT ON COLUMN crossings.track_id IS 'Number of the tracked object (detections.track_id).';
COMMENT ON COLUMN crossings.direction IS 'in: from the left of the line to its right, seen from its first point to its second; out: the opposite.';
COMMENT ON COLUMN crossings.class_id IS 'Number of the class in the model.';
COMMENT ON COLUMN crossings.label IS 'Name of the class.';

COMMENT ON TABLE sink_offsets IS 'One row for each partition of the log: the offset up to which the tables hold it. It is advanced in the transaction that writes the rows. Do not edit it while sinks run.';
COMMENT ON COLUMN sink_offsets.cluster_id IS 'Identifier of the Kafka cluster.';
COMMENT ON COLUMN sink_offsets.topic_id IS 'Identifier of the topic; a topic that is created again has another one.';
COMMENT ON COLUMN sink_offsets.partition IS 'Number of the partition.';
COMMENT ON COLUMN sink_offsets.topic IS 'Name of the topic.';
COMMENT ON COLUMN sink_offsets.next IS 'Offset of the next record to write.';
COMMENT ON COLUMN sink_offsets.last_offset IS 'Offset of the record before; the two columns that follow are valid only while it is next - 1.';
COMMENT ON COLUMN sink_offsets.last_epoch IS 'Leader epoch of that record; -1: not known.';
COMMENT ON COLUMN sink_offsets.last_digest IS 'Digest of that record, by which a replaced log is recognised.';

COMMENT ON VIEW v_sightings IS 'Sightings with names instead of numbers, and the times of their transaction.';
COMMENT ON COLUMN v_sightings.captured_at IS 'Time of the event.';
COMMENT ON COLUMN v_sightings.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_sightings.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_sightings.seq IS 'Index of the frame in its source, from 0.';
COMMENT ON COLUMN v_sightings.people IS 'Number of detections labelled person.';
COMMENT ON COLUMN v_sightings.objects IS 'Number of detections.';
COMMENT ON COLUMN v_sightings.width IS 'Width of the frame in pixels.';
COMMENT ON COLUMN v_sightings.height IS 'Height of the frame in pixels.';
COMMENT ON COLUMN v_sightings.pts_us IS 'Position of the frame in its source, in microseconds.';
COMMENT ON COLUMN v_sightings.dropped_before IS 'Frames dropped since the sighting before (live sources under load).';
COMMENT ON COLUMN v_sightings.grabbed_at IS 'Time at which the host had received the frame, before decoding.';
COMMENT ON COLUMN v_sightings.decoded_at IS 'Time at which the frame was decoded.';
COMMENT ON COLUMN v_sightings.inferred_at IS 'Time at which the detector had processed the frame.';
COMMENT ON COLUMN v_sightings.produced_at IS 'Time at which the sighting was sent to the log.';
COMMENT ON COLUMN v_sightings.fetched_at IS 'Time at which the sink had fetched it from the log; null for the last transaction of a sink that was killed.';
COMMENT ON COLUMN v_sightings.committed_at IS 'Time at which the database acknowledged the commit; null as fetched_at is.';
COMMENT ON COLUMN v_sightings.model IS 'Name of the detector''s model.';

COMMENT ON VIEW v_detections IS 'Detections with names instead of numbers.';
COMMENT ON COLUMN v_detections.captured_at IS 'Time of the event.';
COMMENT ON COLUMN v_detections.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_detections.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_detections.seq IS 'Index of the frame in its source, from 0.';
COMMENT ON COLUMN v_detections.object_index IS 'Index of the detection in its frame, by falling score, from 0.';
COMMENT ON COLUMN v_detections.label IS 'Name of the class, in lower case.';
COMMENT ON COLUMN v_detections.class_id IS 'Number of the class in the model.';
COMMENT ON COLUMN v_detections.score IS 'Confidence of the detector, 0 to 1.';
COMMENT ON COLUMN v_detections.x1 IS 'Left edge of the box, in pixels of the frame.';
COMMENT ON COLUMN v_detections.y1 IS 'Upper edge of the box, in pixels of the frame.';
COMMENT ON COLUMN v_detections.x2 IS 'Right edge of the box, in pixels of the frame.';
COMMENT ON COLUMN v_detections.y2 IS 'Lower edge of the box, in pixels of the frame.';
COMMENT ON COLUMN v_detections.track_id IS 'Number of the tracked object, the same from frame to frame and unique in the run; null with --track off.';
COMMENT ON COLUMN v_detections.model IS 'Name of the detector''s model.';
COMMENT ON COLUMN v_detections.zones IS 'Names of the zones that the feet are in; null for none.';

COMMENT ON VIEW v_crossings IS 'Crossings of lines with names instead of numbers.';
COMMENT ON COLUMN v_crossings.captured_at IS 'Time of the frame in which the crossing was detected.';
COMMENT ON COLUMN v_crossings.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_crossings.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_crossings.seq IS 'Index of that frame in its source, from 0.';
COMMENT ON COLUMN v_crossings.line IS 'Name of the line.';
COMMENT ON COLUMN v_crossings.direction IS 'in: from the left of the line to its right, seen from its first point to its second; out: the opposite.';
COMMENT ON COLUMN v_crossings.track_id IS 'Number of the tracked object.';
COMMENT ON COLUMN v_crossings.label IS 'Name of the class.';
COMMENT ON COLUMN v_crossings.class_id IS 'Number of the class in the model.';
COMMENT ON COLUMN v_crossings.model IS 'Name of the detector''s model.';

COMMENT ON TABLE sightlog_version IS 'Number of the last migration that was applied.';
COMMENT ON COLUMN sightlog_version.version IS 'One row with that number.';

---- create above / drop below ----

-- The comments go with their tables; an older sightlog ignores them.
