-- 100,000 miners in 25,000 circles of 3 to 5, straight into the program's tables. Loaded once per database:
-- every key and check of the schema holds, the ledger knows nothing of their points.
--
-- Miners who registered one after another share a circle, so a page by createdAt has 13 circles, and a page by
-- totalMinedPoints has 50.
BEGIN;
CREATE SCHEMA bench;

-- A UUIDv7 as the program's own are: moment first, then what makes it unique.
CREATE FUNCTION pg_temp.id(at timestamptz, kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || '7' || substr(md5(kind || number), 1, 3) || '8' || substr(md5(number || kind), 1, 15))::uuid $$;
CREATE FUNCTION pg_temp.miner_at(number bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    $$ SELECT timestamptz '2025-01-01 00:00:00.123+00' + number * interval '61 seconds 1 millisecond' $$;
CREATE FUNCTION pg_temp.circle_at(number bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    $$ SELECT timestamptz '2025-06-01 00:00:00.456+00' + number * interval '242 seconds 7 milliseconds' $$;
-- Eight of 32 characters; multiplying by an odd number keeps them distinct.
CREATE FUNCTION pg_temp.code(number bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(substr('ABCDEFGHJKLMNPQRSTUVWXYZ23456789', 1 + ((number * 2654435761 >> 5 * place) & 31)::int, 1), '')
    FROM generate_series(0, 7) place $$;

CREATE TEMP TABLE people ON COMMIT DROP AS
    SELECT i, pg_temp.id(pg_temp.miner_at(i), 'user', i) AS user_id, pg_temp.id(pg_temp.miner_at(i), 'miner', i) AS id,
           pg_temp.miner_at(i) AS at
    FROM generate_series(1, 100000) i;
-- Circle c has 3 + c % 3 members: the next ones in order, the first of them its owner.
CREATE TEMP TABLE rings ON COMMIT DROP AS
    SELECT c, pg_temp.id(pg_temp.circle_at(c), 'circle', c) AS id, pg_temp.circle_at(c) AS at, 3 + c % 3 AS size,
           sum(3 + c % 3) OVER (ORDER BY c) - (3 + c % 3) AS before
    FROM generate_series(1, 25000) c;
CREATE TEMP TABLE places ON COMMIT DROP AS
    SELECT rings.c, rings.id AS circle_id, rings.at, place, rings.before + place AS i
    FROM rings, generate_series(1, rings.size) place;
CREATE UNIQUE INDEX ON places (i);
ANALYZE people, rings, places;

INSERT INTO users (id, display_name, display_name_folded, registered_at)
    SELECT user_id, name, lower(name), at
    FROM people, LATERAL (SELECT (ARRAY['An', 'Binh', 'Chi', 'Dung', 'Giang', 'Hanh', 'Khanh', 'Lan'])[1 + i % 8] || ' ' || i) AS given (name);
INSERT INTO miners (id, user_id, role, status, lifetime_points, current_streak, longest_streak, last_claim_at,
                    streak_since, streak_due_at, freeze_tokens, is_grace_period, milestones_paid, referral_code,
                    version, created_at, updated_at)
    SELECT id, user_id,
           CASE WHEN i % 50 = 0 THEN 'NODE_OPERATOR' WHEN i % 10 = 0 THEN 'AMBASSADOR' WHEN i % 3 = 0 THEN 'CONTRIBUTOR' ELSE 'PIONEER' END,
           CASE WHEN i % 97 = 0 THEN 'SUSPENDED' ELSE 'ACTIVE' END,
           i * 7919 % 100003 * 12345, i % 40, 40 + i % 50, at + interval '90 days', at + interval '90 days', at + interval '92 days',
           i % 4, false, CASE WHEN i % 40 >= 7 THEN ARRAY[7] ELSE '{}' END, pg_temp.code(i), 1 + i % 90, at, at + interval '90 days'
    FROM people;
INSERT INTO circles (id, owner_user_id, owner_miner_id, name, name_folded, status, member_count, version, created_at, updated_at)
    SELECT rings.id, owner.user_id, owner.id, 'Circle ' || rings.c, 'circle ' || rings.c, 'ACTIVE', rings.size, rings.size, rings.at, rings.at
    FROM rings JOIN places ON places.c = rings.c AND places.place = 1 JOIN people owner ON owner.i = places.i;
INSERT INTO circle_members (id, circle_id, user_id, miner_id, joined_at)
    SELECT pg_temp.id(places.at + place * interval '1 hour', 'member', places.i), places.circle_id, people.user_id, people.id,
           places.at + (place - 1) * interval '1 hour'
    FROM places JOIN people USING (i);
UPDATE miners SET circle_id = places.circle_id, is_circle_valid = true FROM people JOIN places USING (i)
    WHERE miners.user_id = people.user_id;
INSERT INTO referral_codes (code, user_id) SELECT referral_code, user_id FROM miners JOIN people USING (id, user_id);
COMMIT;
VACUUM (FULL, ANALYZE) miners;
VACUUM ANALYZE;
