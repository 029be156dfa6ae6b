-- Writes the statements of the nested read as ours sends them, with ids filled in, as one script for pgbench.
-- The harness gives `ordering`, such as: miners.created_at ASC, miners.id ASC
\set columns 'miners.id, miners.user_id, miners.role, miners.status, miners.lifetime_points, miners.current_streak, miners.longest_streak, miners.last_claim_at, miners.streak_since, miners.streak_due_at, miners.freeze_tokens, miners.is_grace_period, miners.milestones_paid, miners.broken_days, miners.broken_milestones_paid, miners.broken_until, miners.suspended_at, miners.previous_since, miners.previous_due_at, miners.referral_code, miners.referred_by, miners.circle_id, miners.is_circle_valid, miners.circle_left_at, miners.version, miners.created_at, miners.updated_at, users.display_name, (SELECT app_now())'
WITH page AS (SELECT circle_id FROM miners ORDER BY :ordering LIMIT 50),
circle_ids AS (SELECT string_agg(DISTINCT circle_id::text, ',') AS list FROM page)
SELECT concat_ws(E';\n',
    'SELECT ' || :'columns' || ' FROM miners INNER JOIN users ON miners.user_id = users.id ORDER BY ' || :'ordering' || ' LIMIT 50 + 1',
    format('SELECT id, owner_user_id, owner_miner_id, name, status, member_count, version, created_at, updated_at FROM circles WHERE id = ANY(''{%s}''::uuid[])', list),
    format('SELECT m.circle_id, m.joined_at, miners.id, miners.user_id, role, lifetime_points, display_name FROM circle_members m INNER JOIN miners ON miners.user_id = m.user_id INNER JOIN users ON users.id = miners.user_id WHERE m.circle_id = ANY(''{%s}''::uuid[]) AND left_at IS NULL ORDER BY m.circle_id, m.joined_at, m.id', list)
    ) || ';'
FROM circle_ids;
