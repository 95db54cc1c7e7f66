"""The domain: what an association is, which records become one, and what has to be sent.

Pure: imports nothing of Airflow, HTTP or SQL.
"""
