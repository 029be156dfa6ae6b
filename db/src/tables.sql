-- Prints the `table!` text of schema.rs from the migrated database's own catalogue.
WITH tables AS (
    SELECT c.oid, c.relname AS name, obj_description(c.oid) AS doc
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname <> '__diesel_schema_migrations'
),
columns AS (
    SELECT t.oid, a.attnum, a.attname AS name, col_description(t.oid, a.attnum) AS doc,
           (SELECT CASE WHEN a.attnotnull THEN mapped ELSE 'Nullable<' || mapped || '>' END
            FROM (SELECT CASE WHEN ty.typelem <> 0 AND ty.typcategory = 'A'
                         THEN 'Array<' || initcap(substr(ty.typname, 2)) || '>' ELSE initcap(ty.typname) END AS mapped) m) AS type
    FROM tables t
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type ty ON ty.oid = a.atttypid
),
keys AS (
    SELECT t.oid, string_agg(a.attname, ', ' ORDER BY k.position) AS names
    FROM tables t
    JOIN pg_constraint p ON p.conrelid = t.oid AND p.contype = 'p'
    CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS k(attnum, position)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
    GROUP BY t.oid
),
-- Joins diesel can infer: one single-column key between two tables.
joins AS (
    SELECT child.name AS child, parent.name AS parent, min(a.attname) AS name
    FROM pg_constraint f
    JOIN tables child ON child.oid = f.conrelid
    JOIN tables parent ON parent.oid = f.confrelid
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
    WHERE f.contype = 'f' AND f.conrelid <> f.confrelid AND cardinality(f.conkey) = 1
      AND NOT EXISTS (SELECT 1 FROM pg_constraint back
                      WHERE back.contype = 'f' AND back.conrelid = f.confrelid AND back.confrelid = f.conrelid)
    GROUP BY child.name, parent.name HAVING count(*) = 1
)
SELECT concat_ws(E'\n',
    '//! Generated from the migrations by `script/generate`; a test fails when it is stale.',
    '',
    (SELECT string_agg(
        concat_ws(E'\n', 'diesel::table! {', '    /// ' || t.doc, '    ' || t.name || ' (' || k.names || ') {',
            (SELECT string_agg('        /// ' || c.doc || E'\n        ' || c.name || ' -> ' || c.type || ',', E'\n' ORDER BY c.attnum)
             FROM columns c WHERE c.oid = t.oid),
            '    }', '}'), E'\n\n' ORDER BY t.name)
     FROM tables t JOIN keys k ON k.oid = t.oid),
    '',
    (SELECT string_agg('diesel::joinable!(' || child || ' -> ' || parent || ' (' || name || '));', E'\n' ORDER BY child, parent) FROM joins),
    '',
    'diesel::allow_tables_to_appear_in_same_query!(',
    (SELECT string_agg('    ' || name || ',', E'\n' ORDER BY name) FROM tables),
    ');', '') AS text
