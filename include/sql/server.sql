-- What a SQL Server says of itself and of the database in which the login is. One row: product_version,
-- compatibility_level, database_name, read_committed_snapshot (1 if on), snapshot_isolation (1 if allowed). Asked of
-- SQL Server alone, in words that each version of it knows. No parameter.
SELECT
    CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(50)) AS product_version,
    d.compatibility_level,
    d.name AS database_name,
    CAST(d.is_read_committed_snapshot_on AS int) AS read_committed_snapshot,
    CAST(d.snapshot_isolation_state AS int) AS snapshot_isolation
FROM sys.databases AS d
WHERE d.name = DB_NAME()
