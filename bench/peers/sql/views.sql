-- What the peers read: the same rows with the API's units, so that neither computes in JavaScript what SQL can say.
BEGIN;
SET LOCAL client_min_messages = warning;
DROP VIEW IF EXISTS bench.bench_members, bench.bench_circles, bench.bench_miners;
CREATE VIEW bench.bench_miners AS
    SELECT miners.id, user_id, display_name, role, status, (lifetime_points::numeric / 10000)::numeric(28, 4) AS total_mined_points,
           lifetime_points, referral_code, longest_streak, created_at, updated_at, circle_id
    FROM public.miners JOIN public.users ON users.id = miners.user_id;
CREATE VIEW bench.bench_circles AS
    SELECT id, owner_miner_id AS owner_id, name, status, member_count, created_at FROM public.circles;
CREATE VIEW bench.bench_members AS
    SELECT m.id, m.circle_id, m.miner_id, m.joined_at, c.owner_user_id = m.user_id AS is_owner
    FROM public.circle_members m JOIN public.circles c ON c.id = m.circle_id WHERE m.left_at IS NULL;
COMMIT;
