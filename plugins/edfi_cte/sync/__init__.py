"""The steps of a run, each a function over Campus, ledger and ODS; nothing here knows of Airflow."""
