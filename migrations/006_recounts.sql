-- The zones and lines with which figures were counted, a recount's tables (a schema each),
-- and what an application has still to do.

-- Every table has a primary key, which logical replication needs for updates.
ALTER TABLE sightlog_version ADD PRIMARY KEY (version);

-- A recount counts a past with other zones and lines, from the detections. Its tables are
-- in a schema of their own, beside those of before: crossings, crossing_minutes,
-- zone_minutes, visits and their views.
CREATE TABLE recounts (
    id         integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema     text        NOT NULL UNIQUE,
    since      timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now(),
    sightings  bigint      NOT NULL DEFAULT 0,
    frames     bigint      NOT NULL DEFAULT 0,
    CHECK (since < until)
);

CREATE TABLE definitions (
    id         bigint             GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    camera_id  integer            NOT NULL REFERENCES cameras,
    run_id     integer            REFERENCES runs ON DELETE CASCADE,
    recount_id integer            REFERENCES recounts ON DELETE CASCADE,
    kind       text               NOT NULL CHECK (kind IN ('zone', 'line')),
    name       text               NOT NULL,
    points     double precision[] NOT NULL, -- x1, y1, x2, y2 and so on
    CHECK (num_nonnulls(run_id, recount_id) = 1)
);
CREATE UNIQUE INDEX definitions_run ON definitions (run_id, kind, name);
CREATE UNIQUE INDEX definitions_recount ON definitions (recount_id, camera_id, kind, name);

CREATE VIEW v_definitions AS
SELECT c.name AS camera, d.kind, d.name, d.points, r.run, d.recount_id AS recount,
       coalesce(n.since, r.started_at) AS valid_from, coalesce(n.until, r.finished_at) AS valid_to
FROM definitions d
JOIN cameras c ON c.id = d.camera_id
LEFT JOIN runs r ON r.id = d.run_id
LEFT JOIN recounts n ON n.id = d.recount_id;

-- Rows are written in the transaction of what they are about, and deleted by whoever has
-- acted on them.
CREATE TABLE outbox (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text        NOT NULL,
    event_id    text        NOT NULL,
    camera_id   integer     NOT NULL,
    captured_at timestamptz NOT NULL,
    due         timestamptz NOT NULL DEFAULT now(),
    payload     jsonb       NOT NULL
);
CREATE INDEX outbox_due ON outbox (due, id);

COMMENT ON TABLE recounts IS 'One row for each recount: a past counted again with other zones and lines (sightlogd recount).';
COMMENT ON COLUMN recounts.id IS 'Number of the recount, for query --recount.';
COMMENT ON COLUMN recounts.schema IS 'Schema with the recount''s tables and views, named as those of this schema.';
COMMENT ON COLUMN recounts.since IS 'Beginning of the time that was counted, inclusive.';
COMMENT ON COLUMN recounts.until IS 'End of the time that was counted, exclusive.';
COMMENT ON COLUMN recounts.made_at IS 'Time at which it was made.';
COMMENT ON COLUMN recounts.sightings IS 'Number of sightings that were counted.';
COMMENT ON COLUMN recounts.frames IS 'Number of frames in the totals of that time: more than sightings if retention or --store has left rows out.';
COMMENT ON TABLE definitions IS 'Zones and lines with which the figures of a run, or of a recount, were counted.';
COMMENT ON COLUMN definitions.id IS 'Number of the definition.';
COMMENT ON COLUMN definitions.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN definitions.run_id IS 'The run that counted with it (runs.id); null for a recount''s.';
COMMENT ON COLUMN definitions.recount_id IS 'The recount that counted with it (recounts.id); null for a run''s.';
COMMENT ON COLUMN definitions.kind IS 'zone or line.';
COMMENT ON COLUMN definitions.name IS 'Name of the zone or line.';
COMMENT ON COLUMN definitions.points IS 'Corners of the zone, or the two ends of the line: x and y of each, in parts of the frame''s width and height.';
COMMENT ON VIEW v_definitions IS 'Zones and lines with the time in which figures were counted with them.';
COMMENT ON COLUMN v_definitions.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_definitions.kind IS 'zone or line.';
COMMENT ON COLUMN v_definitions.name IS 'Name of the zone or line.';
COMMENT ON COLUMN v_definitions.points IS 'Corners of the zone, or the two ends of the line: x and y of each, in parts of the frame''s width and height.';
COMMENT ON COLUMN v_definitions.run IS 'The run that counted with it; null for a recount''s.';
COMMENT ON COLUMN v_definitions.recount IS 'Number of the recount that counted with it; null for a run''s.';
COMMENT ON COLUMN v_definitions.valid_from IS 'Start of the run, or of the time that was recounted.';
COMMENT ON COLUMN v_definitions.valid_to IS 'End of the run, null while it lasts; or of the time that was recounted.';
COMMENT ON TABLE outbox IS 'Events for an application to act on, written in the transaction of their rows (--outbox). Whoever has acted on a row deletes it.';
COMMENT ON COLUMN outbox.id IS 'Number of the row, in no gapless order.';
COMMENT ON COLUMN outbox.kind IS 'crossing: a line was crossed; visit: a tracked object has entered a zone.';
COMMENT ON COLUMN outbox.event_id IS 'Identity of the event: camera/run/seq/track/line of a crossing, camera/run/track/zone/time of a visit.';
COMMENT ON COLUMN outbox.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN outbox.captured_at IS 'Time of the event.';
COMMENT ON COLUMN outbox.due IS 'Time from which the row is to be acted on: that of its transaction; an application may move it for another try.';
COMMENT ON COLUMN outbox.payload IS 'The event: camera, run, captured_at, track_id, and of a crossing seq, line, direction and label, of a visit zone.';

---- create above / drop below ----

DROP VIEW v_definitions;
DROP TABLE outbox, definitions, recounts;
ALTER TABLE sightlog_version DROP CONSTRAINT sightlog_version_pkey;
