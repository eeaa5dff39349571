-- Alarms: those that were found, what their rules remember, and what is to be sent.

CREATE TABLE alarms (
    id          text        PRIMARY KEY,
    seq         bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    rule        text        NOT NULL,
    kind        text        NOT NULL,
    subject     text        NOT NULL,
    camera      text,
    run         text,
    track_id    bigint,
    message     text        NOT NULL,
    value       integer     NOT NULL,
    began_at    timestamptz NOT NULL,
    fired_at    timestamptz NOT NULL,
    ended_at    timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    unsent      text,
    acked_at    timestamptz,
    acked_by    text
);
CREATE INDEX alarms_began ON alarms (began_at, seq);

CREATE TABLE alarm_states (
    rule    text  NOT NULL,
    subject text  NOT NULL,
    state   jsonb NOT NULL,
    PRIMARY KEY (rule, subject)
);

CREATE TABLE alarm_deliveries (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receiver   text        NOT NULL,
    message_id text        NOT NULL,
    alarm_id   text        REFERENCES alarms ON DELETE CASCADE,
    event      text        NOT NULL,
    payload    jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    due        timestamptz NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0,
    error      text,
    sent_at    timestamptz,
    dead_at    timestamptz,
    UNIQUE (receiver, message_id)
);
CREATE INDEX alarm_deliveries_waiting ON alarm_deliveries (receiver, id) WHERE sent_at IS NULL AND dead_at IS NULL;
CREATE INDEX alarm_deliveries_alarm ON alarm_deliveries (alarm_id);

COMMENT ON TABLE alarms IS 'Alarms that the rules of the configuration (alarms) have found.';
COMMENT ON COLUMN alarms.id IS 'Identity of the alarm: a hash of its rule, its subject and its beginning, the same in each message about it.';
COMMENT ON COLUMN alarms.seq IS 'Number of the row, in no gapless order.';
COMMENT ON COLUMN alarms.rule IS 'Name of the rule.';
COMMENT ON COLUMN alarms.kind IS 'What the rule looks at: presence, occupancy, queue, blind, crossing or loitering.';
COMMENT ON COLUMN alarms.subject IS 'Where: a camera, camera/zone, camera/line or a place.';
COMMENT ON COLUMN alarms.camera IS 'Name of the camera; null for a place.';
COMMENT ON COLUMN alarms.run IS 'The run in which it began; null for a place and for a camera of which nothing comes.';
COMMENT ON COLUMN alarms.track_id IS 'Number of the track in its run, of a crossing or a long stay; null otherwise.';
COMMENT ON COLUMN alarms.message IS 'The alarm in a sentence, as it was when it fired.';
COMMENT ON COLUMN alarms.value IS 'The highest count until it ended; 0 for kinds that do not count.';
COMMENT ON COLUMN alarms.began_at IS 'Time from which the condition held.';
COMMENT ON COLUMN alarms.fired_at IS 'Time at which it had held for as long as the rule says.';
COMMENT ON COLUMN alarms.ended_at IS 'Time at which the condition held last; null while it holds.';
COMMENT ON COLUMN alarms.recorded_at IS 'Time of the transaction that wrote the row.';
COMMENT ON COLUMN alarms.unsent IS 'Why it was not sent: old (older than max-age when it was found) or cooldown; null if it was sent.';
COMMENT ON COLUMN alarms.acked_at IS 'Time at which somebody acknowledged it; null before.';
COMMENT ON COLUMN alarms.acked_by IS 'Who acknowledged it.';
COMMENT ON TABLE alarm_states IS 'What the rules of alarms remember between two transactions.';
COMMENT ON COLUMN alarm_states.rule IS 'Name of the rule.';
COMMENT ON COLUMN alarm_states.subject IS 'Where: a camera, camera/zone, camera/line or a place.';
COMMENT ON COLUMN alarm_states.state IS 'Since when the condition holds, when it held last, and the alarm that is not over.';
COMMENT ON TABLE alarm_deliveries IS 'Messages to receivers of alarms, written in the transaction of their alarm.';
COMMENT ON COLUMN alarm_deliveries.id IS 'Number of the row. Messages to one receiver are sent in this order.';
COMMENT ON COLUMN alarm_deliveries.receiver IS 'Name of the receiver in the configuration.';
COMMENT ON COLUMN alarm_deliveries.message_id IS 'Identity of the message, the same in each try: that of the alarm, and what happened to it.';
COMMENT ON COLUMN alarm_deliveries.alarm_id IS 'The alarm (alarms.id); null for a test or a report.';
COMMENT ON COLUMN alarm_deliveries.event IS 'began, ended, test or report.';
COMMENT ON COLUMN alarm_deliveries.payload IS 'The message.';
COMMENT ON COLUMN alarm_deliveries.created_at IS 'Time of the transaction that wrote the row.';
COMMENT ON COLUMN alarm_deliveries.due IS 'Time from which it is to be sent: the end of a quiet time, or the next try.';
COMMENT ON COLUMN alarm_deliveries.attempts IS 'Tries that failed.';
COMMENT ON COLUMN alarm_deliveries.error IS 'Why the last try failed.';
COMMENT ON COLUMN alarm_deliveries.sent_at IS 'Time at which the receiver took it; null before.';
COMMENT ON COLUMN alarm_deliveries.dead_at IS 'Time at which it was given up; null if it was not.';

---- create above / drop below ----

DROP TABLE alarm_deliveries, alarm_states, alarms;
