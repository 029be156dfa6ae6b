DROP INDEX circles_created_at;
DROP TABLE circle_invitations;
DROP INDEX circle_members_left_miner;
DROP INDEX circle_members_left_circle;
ALTER TABLE circle_members DROP COLUMN left_how;
