#!/bin/bash
# Run once, in the SQL Server image: the sample Campus, and a login that may read what the sync reads. Again does nothing.
set -euo pipefail
# SQLCMDPASSWORD (from the environment) is the sa password; $(PASSWORD) in the SQL is the login's.
run() { /opt/mssql-tools18/bin/sqlcmd -C -b -S sqlserver -U sa "$@"; }

if [[ $(run -h -1 -W -Q "SET NOCOUNT ON; SELECT COUNT(*) FROM sys.databases WHERE name = 'campus'") == 1 ]]; then
  echo "The sample Campus is there."
  exit
fi
run -Q "DROP DATABASE IF EXISTS loading; CREATE DATABASE loading COLLATE SQL_Latin1_General_CP1_CI_AS"
run -d loading -i /opt/sample/campus.sql
run -d loading -i /opt/grants.sql
PASSWORD="$CAMPUS_PASSWORD" run -d loading -Q "
  IF SUSER_ID('edfi_cte') IS NULL CREATE LOGIN edfi_cte WITH PASSWORD = '\$(PASSWORD)';
  CREATE USER edfi_cte FOR LOGIN edfi_cte;
  ALTER ROLE edfi_cte_reader ADD MEMBER edfi_cte;"
# The name that the sync knows comes last, so that a broken load is never taken for a Campus.
run -Q "ALTER DATABASE loading MODIFY NAME = campus"
echo "The sample Campus is loaded."
