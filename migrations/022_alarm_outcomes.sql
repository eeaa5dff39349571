-- Why an alarm ended that its rule did not end, and which rules somebody looks at.

ALTER TABLE alarms ADD COLUMN outcome text;
COMMENT ON COLUMN alarms.outcome IS 'Why it ended if its rule did not end it: rule removed; null otherwise.';

CREATE TABLE alarm_rules (
    rule      text        NOT NULL,
    subject   text        NOT NULL,
    looked_at timestamptz NOT NULL,
    PRIMARY KEY (rule, subject)
);
COMMENT ON TABLE alarm_rules IS 'Rules of alarms that a process looks at, or has looked at: what is open of a rule that none has ends.';
COMMENT ON COLUMN alarm_rules.rule IS 'Name of the rule.';
COMMENT ON COLUMN alarm_rules.subject IS 'Where: a camera, camera/zone, camera/line or a place.';
COMMENT ON COLUMN alarm_rules.looked_at IS 'Time at which a process that has the rule said so last.';

---- create above / drop below ----

DROP TABLE alarm_rules;
ALTER TABLE alarms DROP COLUMN outcome;
