-- Audits: counts of a line that a user has checked on pictures.

-- One line of one camera, with the points that it had then, so that an audit says what was
-- audited after retention has removed the runs.
CREATE TABLE audits (
    id             integer            GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    camera_id      integer            NOT NULL REFERENCES cameras,
    line           text               NOT NULL,
    points         double precision[] NOT NULL,
    since          timestamptz        NOT NULL,
    until          timestamptz        NOT NULL,
    runs           text[]             NOT NULL,
    counted_in     integer            NOT NULL,
    counted_out    integer            NOT NULL,
    stretches      integer            NOT NULL,
    left_out       integer            NOT NULL,
    seed           bigint             NOT NULL,
    drawn_at       timestamptz        NOT NULL DEFAULT now(),
    answered_at    timestamptz
);

-- The sample, and the answers to it.
CREATE TABLE audit_answers (
    audit_id   integer     NOT NULL REFERENCES audits ON DELETE CASCADE,
    item       integer     NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('in', 'out', 'stretch')),
    run        text        NOT NULL,
    from_at    timestamptz NOT NULL,
    until_at   timestamptz NOT NULL,
    seq        bigint,
    track_id   bigint,
    answer     text        CHECK (answer IN ('right', 'wrong', 'reversed', 'missed', 'unclear')),
    missed_in  integer,
    missed_out integer,
    PRIMARY KEY (audit_id, item),
    CHECK ((kind = 'stretch') = (seq IS NULL) AND (kind = 'stretch') = (track_id IS NULL)),
    CHECK ((answer = 'missed') IS TRUE = (missed_in IS NOT NULL) AND (missed_in IS NULL) = (missed_out IS NULL))
);

-- The figures computed from the answers, for each direction.
CREATE TABLE audit_results (
    audit_id       integer NOT NULL REFERENCES audits ON DELETE CASCADE,
    direction      text    NOT NULL CHECK (direction IN ('in', 'out')),
    counted        integer NOT NULL,
    checked        integer NOT NULL,
    correct        integer NOT NULL,
    missed         integer NOT NULL,
    actual         double precision NOT NULL,
    actual_low     double precision NOT NULL,
    actual_high    double precision NOT NULL,
    accuracy       double precision,
    accuracy_low   double precision,
    accuracy_high  double precision,
    precision      double precision,
    precision_low  double precision,
    precision_high double precision,
    recall         double precision,
    recall_low     double precision,
    recall_high    double precision,
    PRIMARY KEY (audit_id, direction)
);

CREATE VIEW v_audits AS
SELECT a.id AS audit, c.name AS camera, a.line, a.points, a.since, a.until, a.answered_at, r.direction, r.counted, r.checked, r.correct,
       r.missed, r.actual, r.actual_low, r.actual_high, r.accuracy, r.accuracy_low, r.accuracy_high,
       r.precision, r.precision_low, r.precision_high, r.recall, r.recall_low, r.recall_high
FROM audits a
JOIN cameras c ON c.id = a.camera_id
LEFT JOIN audit_results r ON r.audit_id = a.id;

COMMENT ON TABLE audits IS 'One row for each audit: a sample of crossings and stretches of time, for a user to check on pictures (sightlog audit).';
COMMENT ON COLUMN audits.id IS 'Number of the audit.';
COMMENT ON COLUMN audits.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN audits.line IS 'Name of the line.';
COMMENT ON COLUMN audits.points IS 'The two ends of the line as it was when it counted: x and y of each, in parts of the frame''s width and height.';
COMMENT ON COLUMN audits.since IS 'Beginning of the time that is audited, inclusive.';
COMMENT ON COLUMN audits.until IS 'End of that time, exclusive.';
COMMENT ON COLUMN audits.runs IS 'Runs of which crossings and stretches were drawn (runs.run).';
COMMENT ON COLUMN audits.counted_in IS 'Crossings in that were counted in the time, of those runs.';
COMMENT ON COLUMN audits.counted_out IS 'Crossings out that were counted.';
COMMENT ON COLUMN audits.stretches IS 'Stretches of 10 seconds in which a detection came near the line.';
COMMENT ON COLUMN audits.left_out IS 'Stretches in which none did: none of them was drawn.';
COMMENT ON COLUMN audits.seed IS 'Seed with which the sample was drawn.';
COMMENT ON COLUMN audits.drawn_at IS 'Time at which it was drawn.';
COMMENT ON COLUMN audits.answered_at IS 'Time at which the answers were stored; null before.';
COMMENT ON TABLE audit_answers IS 'The sample of each audit, and the answers to it.';
COMMENT ON COLUMN audit_answers.audit_id IS 'The audit (audits.id).';
COMMENT ON COLUMN audit_answers.item IS 'Number of the item, in the order of the questions, from 1.';
COMMENT ON COLUMN audit_answers.kind IS 'in or out: a crossing that was counted so; stretch: 10 seconds near the line.';
COMMENT ON COLUMN audit_answers.run IS 'The run (runs.run).';
COMMENT ON COLUMN audit_answers.from_at IS 'Time of the crossing, or beginning of the stretch.';
COMMENT ON COLUMN audit_answers.until_at IS 'Time of the crossing, or end of the stretch.';
COMMENT ON COLUMN audit_answers.seq IS 'Frame of the crossing; null of a stretch.';
COMMENT ON COLUMN audit_answers.track_id IS 'Track of the crossing; null of a stretch.';
COMMENT ON COLUMN audit_answers.answer IS 'Of a crossing right, wrong (nobody crossed) or reversed (the other direction); of a stretch missed; unclear of both; null: not answered.';
COMMENT ON COLUMN audit_answers.missed_in IS 'Of a stretch, the crossings in that were not counted.';
COMMENT ON COLUMN audit_answers.missed_out IS 'Of a stretch, the crossings out that were not counted.';
COMMENT ON TABLE audit_results IS 'The result of each audit that was answered, one row for each direction.';
COMMENT ON COLUMN audit_results.audit_id IS 'The audit (audits.id).';
COMMENT ON COLUMN audit_results.direction IS 'in or out.';
COMMENT ON COLUMN audit_results.counted IS 'Crossings of this direction that were counted.';
COMMENT ON COLUMN audit_results.checked IS 'How many of them were checked and are not unclear.';
COMMENT ON COLUMN audit_results.correct IS 'How many of the checked ones are right.';
COMMENT ON COLUMN audit_results.missed IS 'Missed crossings of this direction in the stretches that were checked.';
COMMENT ON COLUMN audit_results.actual IS 'Estimate of the crossings that there were.';
COMMENT ON COLUMN audit_results.actual_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN audit_results.actual_high IS 'Upper end.';
COMMENT ON COLUMN audit_results.accuracy IS 'Counted divided by actual; null if there were none.';
COMMENT ON COLUMN audit_results.accuracy_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN audit_results.accuracy_high IS 'Upper end; null if it has none.';
COMMENT ON COLUMN audit_results.precision IS 'Share of the counted crossings that are right; null if none was counted.';
COMMENT ON COLUMN audit_results.precision_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN audit_results.precision_high IS 'Upper end.';
COMMENT ON COLUMN audit_results.recall IS 'Share of the actual crossings that were counted in their direction; null if there were none.';
COMMENT ON COLUMN audit_results.recall_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN audit_results.recall_high IS 'Upper end.';
COMMENT ON VIEW v_audits IS 'Audits with their results: a row for each direction, or one without figures for an audit that was not answered.';
COMMENT ON COLUMN v_audits.audit IS 'Number of the audit.';
COMMENT ON COLUMN v_audits.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_audits.line IS 'Name of the line.';
COMMENT ON COLUMN v_audits.points IS 'The two ends of the line as it was when it counted: x and y of each, in parts of the frame''s width and height.';
COMMENT ON COLUMN v_audits.since IS 'Beginning of the time that is audited, inclusive.';
COMMENT ON COLUMN v_audits.until IS 'End of that time, exclusive.';
COMMENT ON COLUMN v_audits.answered_at IS 'Time at which the answers were stored; null before.';
COMMENT ON COLUMN v_audits.direction IS 'in or out.';
COMMENT ON COLUMN v_audits.counted IS 'Crossings of this direction that were counted.';
COMMENT ON COLUMN v_audits.checked IS 'How many of them were checked and are not unclear.';
COMMENT ON COLUMN v_audits.correct IS 'How many of the checked ones are right.';
COMMENT ON COLUMN v_audits.missed IS 'Missed crossings of this direction in the stretches that were checked.';
COMMENT ON COLUMN v_audits.actual IS 'Estimate of the crossings that there were.';
COMMENT ON COLUMN v_audits.actual_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN v_audits.actual_high IS 'Upper end.';
COMMENT ON COLUMN v_audits.accuracy IS 'Counted divided by actual; null if there were none.';
COMMENT ON COLUMN v_audits.accuracy_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN v_audits.accuracy_high IS 'Upper end; null if it has none.';
COMMENT ON COLUMN v_audits.precision IS 'Share of the counted crossings that are right; null if none was counted.';
COMMENT ON COLUMN v_audits.precision_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN v_audits.precision_high IS 'Upper end.';
COMMENT ON COLUMN v_audits.recall IS 'Share of the actual crossings that were counted in their direction; null if there were none.';
COMMENT ON COLUMN v_audits.recall_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN v_audits.recall_high IS 'Upper end.';

---- create above / drop below ----

DROP VIEW v_audits;
DROP TABLE audit_results, audit_answers, audits;
