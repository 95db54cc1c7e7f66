from tests.campus.engines import _postgresql, _sql_server, engine

__all__ = ["_postgresql", "_sql_server", "engine"]
