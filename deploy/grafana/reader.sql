-- A role for dashboards that can only read. Run it as a superuser in the database
-- that has the tables; they must exist (sightlogd migrate makes them). Where the
-- tables are in another schema than public, grant there.
CREATE ROLE grafana_reader LOGIN PASSWORD 'change-me' CONNECTION LIMIT 10;
ALTER ROLE grafana_reader SET default_transaction_read_only = on;
ALTER ROLE grafana_reader SET statement_timeout = '30s';
GRANT USAGE ON SCHEMA public TO grafana_reader;
GRANT SELECT ON v_sightings, v_detections, v_crossings, v_minutes, v_zone_minutes, v_crossing_minutes, v_tracks, v_visits, v_balance TO grafana_reader;
GRANT SELECT ON cameras, latest_sightings TO grafana_reader;
GRANT SELECT (id, model) ON runs TO grafana_reader;
