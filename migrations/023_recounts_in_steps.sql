-- A recount is written in steps, so that it holds nobody up, and one that was interrupted is continued.

ALTER TABLE recounts
    ADD COLUMN upto        timestamptz,
    ADD COLUMN attempt     integer   NOT NULL DEFAULT 1,
    ADD COLUMN done        integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN finished_at timestamptz;
UPDATE recounts SET upto = until, finished_at = made_at;

COMMENT ON COLUMN recounts.upto IS 'End of what it counts, exclusive: until, or just after the newest sighting of its cameras when it was begun.';
COMMENT ON COLUMN recounts.attempt IS 'How often it was begun or continued; only the last may write.';
COMMENT ON COLUMN recounts.done IS 'Runs that are counted to their end (runs.id).';
COMMENT ON COLUMN recounts.finished_at IS 'Time at which it was complete; null before: its tables lack something.';
COMMENT ON COLUMN recounts.made_at IS 'Time at which it was begun.';
COMMENT ON COLUMN recounts.sightings IS 'Number of sightings that were counted, of the runs in done.';
COMMENT ON COLUMN recounts.frames IS 'Number of frames in the totals of that time, when it was begun: more than sightings if retention or --store has left rows out.';

---- create above / drop below ----

ALTER TABLE recounts DROP COLUMN upto, DROP COLUMN attempt, DROP COLUMN done, DROP COLUMN finished_at;
