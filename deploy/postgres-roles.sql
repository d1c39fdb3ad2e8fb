-- One role a service, so that PostgreSQL itself keeps "one writer per table".
-- Run by psql (14 or later) as the database's owner, once and again whenever a password changes:
--   WRIT_INTAKE_DB_PASSWORD=… WRIT_DISPATCH_DB_PASSWORD=… WRIT_TRACKING_DB_PASSWORD=… \
--     psql --dbname writ --file deploy/postgres-roles.sql
-- What each role may do is granted by `writ migrate`, from shared/tables/grants.py.

\set ON_ERROR_STOP on
\getenv intake_password WRIT_INTAKE_DB_PASSWORD
\getenv dispatch_password WRIT_DISPATCH_DB_PASSWORD
\getenv tracking_password WRIT_TRACKING_DB_PASSWORD

SELECT format('CREATE ROLE %I', role)
FROM unnest(ARRAY['writ_intake', 'writ_dispatch', 'writ_tracking']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec

ALTER ROLE writ_intake LOGIN PASSWORD :'intake_password';
ALTER ROLE writ_dispatch LOGIN PASSWORD :'dispatch_password';
ALTER ROLE writ_tracking LOGIN PASSWORD :'tracking_password';
