from edfi_cte.campus.mapping import MissingColumn, missing_columns, named_columns

TEXT = """\
-- o.commentedOut AS x
campus_person AS (
    SELECT
        p.personID AS person_id,
        COALESCE(p.[state ID], q."other") AS student_unique_id, -- p.alsoCommented
        'p.literal, it''s' AS kind
    FROM campus.dbo.Person AS p
    LEFT JOIN Names q ON q.personID = p.personID
),

campus_enrollment AS (
    SELECT
        p.enrollmentID AS enrollment_id,
        person.person_id
    FROM [dbo].[Enrollment] AS p
    INNER JOIN campus_person AS person ON person.person_id = p.personID
)
"""


def test_each_column_is_found_with_its_line_and_table():
    found = {(n.line, ".".join((*n.place, n.table)), n.column) for n in named_columns(TEXT)}
    assert found == {
        (4, "campus.dbo.Person", "personID"),
        (5, "campus.dbo.Person", "state ID"),
        (5, "Names", "other"),
        (8, "Names", "personID"),
        (8, "campus.dbo.Person", "personID"),
        (13, "dbo.Enrollment", "enrollmentID"),
        (16, "dbo.Enrollment", "personID"),
    }


def test_names_are_compared_as_sql_server_does_by_default_without_case():
    named = named_columns(
        "a AS (SELECT p.PersonID AS x, p.nothere AS y, q.z AS z FROM DBO.Person AS p JOIN q AS q ON 1 = 1)"
    )
    present = {("dbo", "person", "personid"), ("", "person", "personid")}
    assert missing_columns(named, present, "m.sql") == [
        MissingColumn("m.sql", 1, "DBO.Person", "nothere"),
        MissingColumn("m.sql", 1, "q", None),
    ]
