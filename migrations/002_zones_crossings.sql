-- The zones that the feet are in, as the camera's configuration names them;
-- NULL for none.
ALTER TABLE detections ADD COLUMN zones text[];

CREATE OR REPLACE VIEW v_detections AS
SELECT d.captured_at, c.name AS camera, r.run, d.seq, d.object_index,
       l.label, d.class_id, d.score, d.x1, d.y1, d.x2, d.y2, d.track_id, r.model, d.zones
FROM detections d
JOIN cameras c ON c.id = d.camera_id
JOIN runs r ON r.id = d.run_id
LEFT JOIN classes l ON l.run_id = d.run_id AND l.class_id = d.class_id;

-- One row a crossing of a line. They are few: one table holds all days.
CREATE TABLE crossings (
    captured_at timestamptz NOT NULL,
    camera_id   integer     NOT NULL,
    run_id      integer     NOT NULL,
    seq         bigint      NOT NULL,
    line        text        NOT NULL,
    track_id    bigint      NOT NULL,
    direction   text        NOT NULL CHECK (direction IN ('in', 'out')),
    class_id    integer     NOT NULL,
    label       text        NOT NULL,
    PRIMARY KEY (captured_at, camera_id, run_id, seq, line, track_id)
);

CREATE VIEW v_crossings AS
SELECT x.captured_at, c.name AS camera, r.run, x.seq, x.line, x.direction, x.track_id, x.label, x.class_id, r.model
FROM crossings x
JOIN cameras c ON c.id = x.camera_id
JOIN runs r ON r.id = x.run_id;

---- create above / drop below ----

DROP VIEW v_crossings, v_detections;
DROP TABLE crossings;
ALTER TABLE detections DROP COLUMN zones;

CREATE VIEW v_detections AS
SELECT d.captured_at, c.name AS camera, r.run, d.seq, d.object_index,
       l.label, d.class_id, d.score, d.x1, d.y1, d.x2, d.y2, d.track_id, r.model
FROM detections d
JOIN cameras c ON c.id = d.camera_id
JOIN runs r ON r.id = d.run_id
LEFT JOIN classes l ON l.run_id = d.run_id AND l.class_id = d.class_id;
