"""What Airflow shows of the DAG and its tasks: what each does, and what to look at."""

DAG_DOC = """\
Keeps the **Student CTE Program Associations** in the state's Ed-Fi ODS in step with Infinite Campus: one lane
(a mapped task group) for each *target*, a scope year of a district. Lanes do not wait for one another, and a
run may be repeated at any time: what is right already is not sent again.

**To run it:** the play button. `scope_year` empty is every configured year; `dry_run` reads Campus and says
what would be sent, and sends nothing. A backfill makes no sense: each run brings the ODS to what Campus says
*now*.

**To see what happened:** open the run, a lane, the task `report`: its log has the accounting. Of one record:
`edfi-cte why <enrollmentID> --scope-year Y`. Before the first run: `edfi-cte check`.

**If it is red:** the log of the failed task ends with what is wrong, where, and what to do. Each lane's
`report` repeats it. What was not sent stays queued; the next run goes on with it.

| step | what it does |
|---|---|
| `preflight` | looks at the settings, Campus, the ODS and its key; what is wrong stops this lane alone |
| `extract` | reads the scope year's candidates from Campus into the ledger |
| `transform` | makes associations of them and plans what to send |
| `upsert` | sends what is new or changed |
| `natural_key_changes` | sends changes of what identifies a record, and deletes what no longer qualifies |
| `resync_identity_mapping`, `resync_ods` | compare with what the ODS really holds, and put it right |
| `report` | accounts for every record |
"""

STEP_DOCS = {
    "configured_targets": """\
Which targets the run is for: those of the param `scope_year`, or all that the settings file lists. **Red:** the
request or the settings are wrong; nothing was read or sent.
""",
    "outcome": """\
Red if one of the lanes that share this task has failed; the names are in the log, the reasons in `report`.
""",
    "preflight": """\
Looks at everything the lane needs before anything is touched: the settings, Campus's columns, the key and
token, the data standard, descriptors, the education organization. **Red:** each line of the log names one thing
and what to do; `edfi-cte check` shows all of them at once. Only this lane stops.
""",
    "extract": """\
Reads the scope year's enrollments with a career-technical value from Campus into the ledger, each with the rule
that excludes it, if any. **Look at:** how many were read and changed. **Red:** Campus could not be read to the
end; nothing of the ledger was taken for gone.
""",
    "transform": """\
Makes associations of the records by the resource preferences and compares them with what the ODS was sent: the
plan. **Look at:** the counts in the log; *rejected* are records that should go and can't, with the reason.
**Red:** a guard stopped the plan before anything was sent.
""",
    "upsert": """\
Sends what is new (`Post`) and what changed (`Put`). **Look at:** warnings in the log: what the ODS refused, by
cause, with what to do. A refused record is tried again by the next run. **Red:** the ODS as a whole refuses;
the rest stays queued.
""",
    "natural_key_changes": """\
Sends `Delete/Post` where what identifies a record has changed, and `Delete` where a record no longer qualifies.
The new record is in the ODS before the old one goes. **Look at:** warnings in the log, by cause.
""",
    "resync_identity_mapping": """\
Reads what the ODS really holds. A record of ours that is missing there is posted again if Campus still wants
it.
""",
    "resync_ods": """\
Puts right what was edited in the ODS by hand, and deletes records of ours that match no record in Campus,
within the guards.
""",
    "report": """\
Accounts for every record of the run, whatever became of the other steps: its log is the place to look first.
The same counts are in the ledger and on the asset `edfi_cte_<target>`. **Red:** the last lines say which step
failed and why.
""",
}
