#!/bin/sh
# Run once by the postgres image: the ledger has a database and a role of its own beside Airflow's.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --set password="$LEDGER_PASSWORD" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE edfi_cte LOGIN PASSWORD :'password';
CREATE DATABASE edfi_cte OWNER edfi_cte;
SQL
