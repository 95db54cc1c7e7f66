-- The columns of the tables that the mapping names, as the database lists them: table_schema, table_name, column_name.
-- Parameters: the tables' names in upper case.
SELECT
    cols.TABLE_SCHEMA AS table_schema,
    cols.TABLE_NAME AS table_name,
    cols.COLUMN_NAME AS column_name
FROM {{ information_schema }}.COLUMNS AS cols
WHERE UPPER(cols.TABLE_NAME) IN ({% for table in tables %}{{ ", " if not loop.first }}{{ param(table) }}{% endfor %})
