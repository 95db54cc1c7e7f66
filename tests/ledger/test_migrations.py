"""A new ledger comes from the schema, an older one from the migrations: both end the same, and lose nothing."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from edfi_cte.ledger.database import alembic_config, open_ledger
from edfi_cte.ledger.schema import metadata
from tests import revision
from tests.ledger import first_ledger


def first(url: str) -> None:
    """A first ledger with a row of each kind that a migration touches."""
    engine, now = sa.create_engine(url), datetime(2025, 9, 1)  # noqa: DTZ001
    key = {"key_id": "k" * 32, "key_exact": "e" * 32}
    sent = {"payload_hash": "p", "content_hash": "c", "transformed_with": "t", "cte_program_type": "11"}
    student = {"student_unique_id": "1000000001", "begin_date": "2025-08-20", "career_cluster": "8"}
    mapped = {"ods_id": "o" * 32, "enrollment_id": 7, "sent_at": now} | key | sent | student
    organization = {"scope_year": 2026, "education_organization_id": 39141, "data_url": "https://ods/data/v3/"}
    queued = {"run_id": "r", "step": "upsert", "action": "Post", "cause": "new_record", "in_doubt": False}
    event = {"old_in_doubt": False, "attempts": 0, "queued_at": now, "status": "sending"} | queued | key
    with engine.begin() as connection:
        first_ledger.make(connection)
        for table, row in {
            first_ledger.target: {"edfi_conn_id": "edfi_2026", "lease_owner": "r"} | organization,
            first_ledger.run: {"run_id": "r", "started_at": now, "status": "ok", "parameters": "{}", "counts": "{}"},
            first_ledger.enrollment_record: {"enrollment_id": 7, "source_hash": "s"},
            first_ledger.record_outcome: {"enrollment_id": 7, "outcome": "desired", "transformed_with": "t"},
            first_ledger.identity_mapping: mapped,
            first_ledger.event: event,
        }.items():
            connection.execute(sa.insert(table).values(target_id="039141-2026", **row))
    engine.dispose()


def picture(engine: sa.Engine) -> dict[str, Any]:
    """Every table with its columns in order, its key and its indexes."""
    inspector = sa.inspect(engine)
    return {
        table: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            ],
            "key": (key["name"], key["constrained_columns"]),
            "indexes": sorted((i["name"], i["column_names"], i["unique"]) for i in inspector.get_indexes(table)),
            "options": inspector.get_table_options(table) if engine.dialect.name == "sqlite" else None,
        }
        for table in inspector.get_table_names()
        if table.startswith("edfi_cte_") and (key := inspector.get_pk_constraint(table))
    }


def drop(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for table in sa.inspect(connection).get_table_names():
            connection.execute(sa.text(f"DROP TABLE {table}"))


def test_a_first_ledger_is_migrated_to_what_a_new_one_is(url: str):
    new = open_ledger(url)
    expected = picture(new)
    drop(new)
    new.dispose()
    first(url)
    migrated = open_ledger(url)

    assert picture(migrated) == expected, "a revision is missing: make revision"


def test_the_newest_revision_leaves_what_the_schema_has(url: str):
    first(url)
    with open_ledger(url).connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert [entry for entry in differences if "edfi_cte_version" not in str(entry)] == [], "make revision"


def test_a_first_ledgers_rows_go_on(url: str):
    first(url)
    with open_ledger(url).connect() as connection:
        rows = {
            table: [row._asdict() for row in connection.execute(sa.select(metadata.tables[f"edfi_cte_{table}"]))]
            for table in ("target", "run", "enrollment_record", "record_outcome", "identity_mapping", "event")
        }
        claims = connection.execute(sa.select(metadata.tables["edfi_cte_address_claim"].c.address)).all()

    assert {table: len(found) for table, found in rows.items()} == dict.fromkeys(rows, 1)
    assert rows["target"][0]["known_since"] is not None, "its ODS holds our records: it is no first contact"
    assert claims == [("https://ods/data/v3/",)]
    assert rows["event"][0]["status"] == "pending", "who was sending it is gone"
    assert rows["identity_mapping"][0]["student_unique_id"] == "1000000001"


@pytest.fixture
def scripts(tmp_path: Path) -> Config:
    """A copy of the migrations, to write into."""
    config = alembic_config()
    copy = tmp_path / "migrations"
    shutil.copytree(config.get_main_option("script_location") or "", copy)
    config.set_main_option("script_location", str(copy))
    return config


def test_the_next_revision_is_written_from_the_schema(scripts: Config, tmp_path: Path):
    schema = sa.MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(schema)
    schema.tables["edfi_cte_run"].append_column(sa.Column("weather", sa.Unicode(20)))
    sa.Table("edfi_cte_new", schema, sa.Column("target_id", sa.Unicode(40), primary_key=True))

    path = revision.write("weather", schema, scripts)

    assert path is not None
    assert "weather" in path.name
    assert "down_revision" in (text := path.read_text())
    assert "edfi_cte_new" in text
    assert revision.write("again", schema, scripts) is None, "run, it leaves what the schema has"


def test_there_is_nothing_to_write_for_the_schema_of_today(scripts: Config):
    assert revision.write("nothing", metadata, scripts) is None
