"""Run by alembic; the connection comes from :mod:`edfi_cte.ledger.database`, inside its lock and transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="edfi_cte_version",
    transactional_ddl=False,
)
context.run_migrations()
