from tests.campus.engines import _sql_server, engine

__all__ = ["_sql_server", "engine"]
