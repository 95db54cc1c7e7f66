"""The database server that the ledger's and templates' tests run on."""

import sqlalchemy as sa


def test_each_test_gets_a_real_postgres_database_of_its_own(postgres_url: str, postgres_database: str) -> None:
    engine = sa.create_engine(postgres_database)
    with engine.begin() as connection:
        version, name = connection.execute(sa.text("SELECT version(), current_database()")).one()
        connection.execute(sa.text("CREATE TABLE mine (id int)"))
    engine.dispose()

    assert version.startswith("PostgreSQL 18")
    assert sa.make_url(postgres_url).database != name
