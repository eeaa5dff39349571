-- Audits of snapshots: crossings are judged on the pictures that were kept of them; how many were
-- missed is not asked, so the actual number is not known.

ALTER TABLE audit_results ALTER COLUMN actual DROP NOT NULL, ALTER COLUMN actual_low DROP NOT NULL, ALTER COLUMN actual_high DROP NOT NULL;

COMMENT ON COLUMN audits.stretches IS 'Stretches of 10 seconds in which a detection came near the line; -1: none was asked (sightlog audit --snapshots).';
COMMENT ON COLUMN audit_results.actual IS 'Estimate of the crossings that there were; null where no stretch was asked.';

---- create above / drop below ----

DELETE FROM audit_results WHERE actual IS NULL;
ALTER TABLE audit_results ALTER COLUMN actual SET NOT NULL, ALTER COLUMN actual_low SET NOT NULL, ALTER COLUMN actual_high SET NOT NULL;
