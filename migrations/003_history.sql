-- An offset belongs to one history of its log: the last record before it tells
-- whether the log still is that one. last_digest is of the record at
-- last_offset, last_epoch its leader epoch (-1: not known). They count only while
-- last_offset is next - 1: a sink of an earlier release, or whoever moves next by
-- hand, leaves them behind.
ALTER TABLE sink_offsets
    ADD COLUMN last_offset bigint,
    ADD COLUMN last_epoch  integer,
    ADD COLUMN last_digest bytea;

-- The function of five arguments stays for sinks of the release before, which
-- may run beside newer ones.
CREATE FUNCTION sightlog_advance(cluster text, topics uuid[], partitions integer[], expected bigint[], new_next bigint[],
                                 epochs integer[], digests bytea[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. cardinality(topics) LOOP
        UPDATE sink_offsets SET next = new_next[i], last_offset = new_next[i] - 1, last_epoch = epochs[i], last_digest = digests[i]
        WHERE cluster_id = cluster AND topic_id = topics[i] AND partition = partitions[i] AND next = expected[i];
        IF NOT FOUND THEN
            RAISE EXCEPTION 'topic % partition % is not at offset %', topics[i], partitions[i], expected[i]
                USING ERRCODE = 'SL001';
        END IF;
    END LOOP;
END $$;

---- create above / drop below ----

DROP FUNCTION sightlog_advance(text, uuid[], integer[], bigint[], bigint[], integer[], bytea[]);
ALTER TABLE sink_offsets DROP COLUMN last_offset, DROP COLUMN last_epoch, DROP COLUMN last_digest;
