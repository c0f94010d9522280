#!/bin/sh
# Runs once, when the database is first made: the three roles, none of them superuser, none passing row-level security.
set -eu
secret() { cat "/run/secrets/$1"; }
psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
  --set owner="$(secret database_owner_password)" --set app="$(secret database_app_password)" \
  --set system="$(secret database_system_password)" <<'SQL'
CREATE ROLE liaoyuan_owner LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'owner';
CREATE ROLE liaoyuan_app LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'app';
CREATE ROLE liaoyuan_system LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'system';
CREATE DATABASE liaoyuan OWNER liaoyuan_owner;
\connect liaoyuan
CREATE EXTENSION IF NOT EXISTS vector;
ALTER DEFAULT PRIVILEGES FOR ROLE liaoyuan_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO liaoyuan_app, liaoyuan_system;
ALTER DEFAULT PRIVILEGES FOR ROLE liaoyuan_owner GRANT USAGE, SELECT ON SEQUENCES TO liaoyuan_app, liaoyuan_system;
SQL
