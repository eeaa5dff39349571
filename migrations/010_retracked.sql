-- Recounts whose detections were tracked again.

ALTER TABLE recounts ADD COLUMN score real CHECK (score > 0 AND score <= 1);

COMMENT ON TABLE recounts IS 'One row for each recount: a past counted again with other zones and lines, or other tracks (sightlogd recount).';
COMMENT ON COLUMN recounts.score IS 'Threshold with which the detections were tracked again; null: they kept their tracks.';

---- create above / drop below ----

-- There is no way back: restore the copy that was made before, or read the log again
-- from its start with the older sightlog into an empty database.
