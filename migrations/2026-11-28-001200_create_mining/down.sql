DROP TABLE referrals, circle_invitations, circle_members, circles, mining_history, mining_sessions, referral_codes, miners;
DROP FUNCTION claim_window_end;
