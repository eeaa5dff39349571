-- The tables of the baseline: the columns that sightlog's have, in one piece each.
CREATE TABLE cameras (
    id   integer PRIMARY KEY,
    name text    NOT NULL UNIQUE
);
CREATE TABLE runs (
    id        integer PRIMARY KEY,
    camera_id integer NOT NULL REFERENCES cameras,
    run       text    NOT NULL
);
-- When a batch was fetched and its transaction acknowledged; written at the end.
CREATE TABLE batches (
    batch_id     bigint      PRIMARY KEY,
    fetched_at   timestamptz NOT NULL,
    committed_at timestamptz NOT NULL,
    records      integer     NOT NULL
);
CREATE TABLE sightings (
    captured_at    timestamptz NOT NULL,
    camera_id      integer     NOT NULL,
    run_id         integer     NOT NULL,
    seq            bigint      NOT NULL,
    pts_us         bigint      NOT NULL,
    grabbed_at     timestamptz,
    decoded_at     timestamptz,
    inferred_at    timestamptz,
    produced_at    timestamptz,
    batch_id       bigint      NOT NULL,
    dropped_before integer     NOT NULL,
    width          smallint    NOT NULL,
    height         smallint    NOT NULL,
    people         smallint    NOT NULL,
    objects        smallint    NOT NULL,
    class_ids      smallint[],
    boxes          real[],
    PRIMARY KEY (camera_id, captured_at, run_id, seq)
);
-- What the tuned consumers have committed, in the transaction of the rows.
CREATE TABLE consumer_offsets (
    partition integer PRIMARY KEY,
    next      bigint  NOT NULL
);
