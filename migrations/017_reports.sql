-- Reports: up to which day each has been made.

CREATE TABLE report_states (
    name       text PRIMARY KEY,
    made_until date NOT NULL
);
COMMENT ON TABLE report_states IS 'Up to which day the reports of the configuration (reports) have been made.';
COMMENT ON COLUMN report_states.name IS 'Name of the report.';
COMMENT ON COLUMN report_states.made_until IS 'The first day that is in no report yet, in the time zone of the report.';

---- create above / drop below ----

DROP TABLE report_states;
