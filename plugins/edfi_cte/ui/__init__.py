"""Pages in Airflow's UI: what the sync did, what needs a person. They read the ledger and change nothing.

Only the API server imports this package; workers need no web framework.
"""
