"""Run by alembic; the connection comes from :mod:`edfi_cte.ledger.database`, inside its lock and transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # What a new revision is made for (make revision); nothing else asks for it.
    target_metadata=context.config.attributes.get("target_metadata"),
    version_table="edfi_cte_version",
    transactional_ddl=False,
    render_as_batch=True,
)
context.run_migrations()
