-- Distributes the tables of a migrated database over a Citus cluster (docs/SCALE.md, "To Citus"):
--
--     psql -X -d "$MIGRATION_DATABASE_URL" -f script/distribute.sql
--
-- An operator runs it once on the coordinator, as the owner of the tables, before a server uses the database. It is one
-- transaction and stops at the first error, so a failed run changes nothing. A repeated run distributes only tables
-- that are not distributed yet.
\set ON_ERROR_STOP on
\set QUIET on
\pset pager off

-- Every table in the order of its foreign keys. Tables with the same `shards` keep rows of one key on one shard.
CREATE TEMPORARY TABLE distribution (
    position integer GENERATED ALWAYS AS IDENTITY,
    name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('distributed', 'reference', 'coordinator')),
    key text CHECK ((key IS NOT NULL) = (kind = 'distributed')),
    shards text CHECK ((shards IS NOT NULL) = (kind = 'distributed'))
);
INSERT INTO distribution (name, kind, key, shards) VALUES
    ('app_clock', 'reference', NULL, NULL),
    ('configurations', 'reference', NULL, NULL),
    ('currencies', 'reference', NULL, NULL),
    ('rate_snapshots', 'reference', NULL, NULL),
    ('owners', 'distributed', 'owner_id', 'owners'),
    ('users', 'distributed', 'id', 'owners'),
    ('miners', 'distributed', 'user_id', 'owners'),
    ('mining_sessions', 'distributed', 'user_id', 'owners'),
    ('mining_history', 'distributed', 'user_id', 'owners'),
    ('referrals', 'distributed', 'referrer_user_id', 'owners'),
    ('wallets', 'distributed', 'owner_id', 'owners'),
    ('transfers', 'distributed', 'owner_id', 'owners'),
    ('dual_control_sums', 'distributed', 'owner_id', 'owners'),
    ('holds', 'distributed', 'owner_id', 'owners'),
    ('settlements', 'distributed', 'owner_id', 'owners'),
    ('clearing_accounts', 'distributed', 'owner_id', 'owners'),
    ('velocity_sums', 'distributed', 'owner_id', 'owners'),
    ('conversions', 'distributed', 'owner_id', 'owners'),
    ('deposits', 'distributed', 'owner_id', 'owners'),
    ('deposit_sums', 'distributed', 'owner_id', 'owners'),
    ('withdrawals', 'distributed', 'owner_id', 'owners'),
    ('clearing_releases', 'distributed', 'owner_id', 'owners'),
    ('campaign_treasuries', 'distributed', 'owner_id', 'owners'),
    ('treasury_fundings', 'distributed', 'owner_id', 'owners'),
    ('rewards', 'distributed', 'owner_id', 'owners'),
    ('reversals', 'distributed', 'owner_id', 'owners'),
    ('campaigns', 'distributed', 'merchant_id', 'owners'),
    ('vouchers', 'distributed', 'merchant_id', 'owners'),
    ('promotion_rollups', 'distributed', 'merchant_id', 'owners'),
    ('campaign_users', 'distributed', 'merchant_id', 'owners'),
    ('orders', 'distributed', 'merchant_id', 'owners'),
    ('redemptions', 'distributed', 'merchant_id', 'owners'),
    ('user_vouchers', 'distributed', 'user_id', 'owners'),
    ('user_redemptions', 'distributed', 'user_id', 'owners'),
    ('campaign_ids', 'distributed', 'id', 'campaign_ids'),
    ('voucher_codes', 'distributed', 'code', 'voucher_codes'),
    ('idempotency_keys', 'distributed', 'home_id', 'owners'),
    ('outbox', 'distributed', 'subject_id', 'owners'),
    ('circles', 'distributed', 'id', 'circles'),
    ('circle_members', 'distributed', 'circle_id', 'circles'),
    ('circle_invitations', 'distributed', 'circle_id', 'circles'),
    ('referral_codes', 'distributed', 'code', 'referral_codes'),
    ('external_references', 'distributed', 'reference', 'external_references'),
    ('house_transfers', 'distributed', 'reference', 'house_transfers'),
    ('approvals', 'coordinator', NULL, NULL),
    ('audit_log', 'coordinator', NULL, NULL),
    ('demo_people', 'coordinator', NULL, NULL),
    ('fx_positions', 'coordinator', NULL, NULL),
    ('issuance_counts', 'coordinator', NULL, NULL),
    ('issuance_pauses', 'reference', NULL, NULL),
    ('link_keys', 'reference', NULL, NULL),
    ('jobs', 'coordinator', NULL, NULL),
    ('reconciliation_runs', 'coordinator', NULL, NULL);

BEGIN;
-- A list that fits the tables, and a cluster that can take them.
DO $$
DECLARE
    problem text;
    one record;
    is_large boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RAISE EXCEPTION 'the extension citus is not installed in this database'
            USING HINT = 'load it with shared_preload_libraries, then CREATE EXTENSION citus on every node, before goodgo migrate';
    END IF;
    -- Older versions do not copy the privileges of columns to the shards.
    IF (SELECT (regexp_match(extversion, '^(\d+)\.(\d+)'))::integer[] < ARRAY[13, 1] FROM pg_extension WHERE extname = 'citus') THEN
        RAISE EXCEPTION 'citus is older than 13.1';
    END IF;
    IF NOT citus_is_coordinator() THEN
        RAISE EXCEPTION 'this node is not the coordinator';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_dist_node WHERE groupid = 0)
        OR NOT EXISTS (SELECT FROM pg_dist_node WHERE groupid <> 0 AND isactive AND shouldhaveshards) THEN
        RAISE EXCEPTION 'the cluster has no coordinator or no worker'
            USING HINT = 'SELECT citus_set_coordinator_host(''…''), then citus_add_node(''…'', 5432) for each worker';
    END IF;
    SELECT string_agg(coalesce(d.name, c.relname), ', ') INTO problem
    FROM distribution d
    FULL JOIN (
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
          AND relname <> '__diesel_schema_migrations'
          AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
    ) c ON c.relname = d.name
    WHERE d.name IS NULL OR c.relname IS NULL;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'the list does not fit the tables of the database: %', problem
            USING HINT = 'run goodgo migrate and script/distribute.sql of one version';
    END IF;
    IF EXISTS (SELECT FROM app_clock WHERE offset_microseconds <> 0) THEN
        RAISE EXCEPTION 'the clock of this database was moved';
    END IF;
    -- Copying rows into shards locks the table, and the copied rows stay behind on the coordinator.
    FOR one IN SELECT name FROM distribution WHERE kind <> 'coordinator' ORDER BY position LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = one.name::regclass);
        EXECUTE format('SELECT count(*) > 100000 FROM (SELECT FROM %I LIMIT 100001) rows', one.name) INTO is_large;
        IF is_large THEN
            RAISE EXCEPTION '% has more than 100,000 rows', one.name
                USING HINT = 'distribute the empty tables of pg_dump --schema-only, then load the rows of pg_dump --data-only';
        END IF;
    END LOOP;
END $$;

-- One connection per node, because foreign keys join tables that are created in this transaction.
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
-- The partitions of transfers have triggers. They read no table, so they are safe on a shard.
SET LOCAL citus.enable_unsafe_triggers = on;
ALTER FUNCTION ensure_transfer_partitions() SET citus.enable_unsafe_triggers = on;

-- Reads call it on the shards, where a function may not read a table. The clock of a production database has no offset.
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE
    AS $$ BEGIN RETURN clock_timestamp(); END $$;
\o /dev/null
SELECT create_distributed_function('app_now()');
SELECT create_distributed_function('search_grams(text)');
SELECT create_distributed_function('claim_window_end(timestamptz, integer, bigint)');

-- Foreign keys to reference tables are dropped and added again: a plain table that has one would be converted, too.
CREATE TEMPORARY TABLE dropped ON COMMIT DROP AS
    SELECT f.conrelid::regclass::text AS name, f.conname, pg_get_constraintdef(f.oid) AS definition
    FROM pg_constraint f JOIN distribution d ON f.confrelid = d.name::regclass
    WHERE f.contype = 'f' AND d.kind = 'reference' AND NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = f.conrelid);
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', name, conname) FROM dropped \gexec

SELECT CASE kind
    WHEN 'reference' THEN format('SELECT create_reference_table(%L)', name)
    ELSE format('SELECT create_distributed_table(%L, %L, colocate_with => %L)', name, key, CASE shards WHEN name THEN 'none' ELSE shards END)
END
FROM distribution
WHERE kind <> 'coordinator' AND NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = name::regclass)
ORDER BY position \gexec

SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', name, conname, definition) FROM dropped \gexec
COMMIT;
\o

\echo 'Distributed:'
SELECT d.name AS "table", coalesce(t.citus_table_type, 'coordinator') AS kind, d.key, t.colocation_id AS "group", t.shard_count AS shards
FROM distribution d LEFT JOIN citus_tables t ON t.table_name = d.name::regclass
ORDER BY d.position;
