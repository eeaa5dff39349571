-- Sinks add to camera_half_hours with a statement of their own: a function in SQL is planned anew at each call.

DROP FUNCTION sightlog_add_half_hours(integer[], timestamptz[], integer[], bigint[], bigint[], bigint[], bigint[]);
