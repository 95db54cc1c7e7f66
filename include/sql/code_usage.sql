-- The codes of the career-technical fields with the number of the scope year's records that use them and that no rule
-- excludes: field, code, name (null if the code list lacks the code), records (0 for a code that is listed, not used),
-- labels (how many the code has in the code list), unreadable (1 if it can't be told which of them is active).
-- Parameters: district_number, scope_year, year_start, year_end.
{% from "clean.sql" import whole with context -%}
WITH
{% include "campus_mapping.sql" %},

{% include "candidates.sql" %},

{% include "code_list.sql" %},

used AS (
    {%- for field in mapped_fields %}
    {%- if not loop.first %}
    UNION ALL
    {%- endif %}
    SELECT
        '{{ field }}' AS field,
        k.{{ field }} AS code
    FROM candidate AS k
    WHERE k.excluded_by IS NULL AND k.{{ field }} IS NOT NULL
    {%- endfor %}
),

whole_code AS (
    SELECT
        us.field,
        CASE WHEN us.field IN ('career_cluster', 'cte_program_type') THEN {{ whole("us.code") }} ELSE us.code END AS code
    FROM used AS us
),

counted AS (
    SELECT
        w.field,
        UPPER(w.code) AS code_key,
        MIN(w.code) AS code,
        COUNT(*) AS records
    FROM whole_code AS w
    GROUP BY w.field, UPPER(w.code)
)

SELECT
    COALESCE(u.field, c.field) AS field,
    COALESCE(u.code, c.code) AS code,
    c.name,
    COALESCE(u.records, 0) AS records,
    COALESCE(c.labels, 0) AS labels,
    CASE WHEN u.records > 0 AND c.unreadable = 1 THEN 1 ELSE 0 END AS unreadable
FROM counted AS u
FULL OUTER JOIN code_list AS c ON u.field = c.field AND u.code_key = c.code_key
ORDER BY field, code
