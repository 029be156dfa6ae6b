ALTER TABLE miners DROP CONSTRAINT miners_circle_id_fkey;
DROP TABLE referrals, circle_members, circles, mining_history, mining_sessions, miners;
