mod audit_log;
mod circle;
mod circle_create;
mod circle_disband;
mod circle_invitation;
mod circle_invitation_accept;
mod circle_invitation_cancel;
mod circle_invitation_decline;
mod circle_invitation_send;
mod circle_leave;
mod circle_member_remove;
mod circle_rename;
mod circle_updated;
mod circles;
mod decisions;
mod figures;
mod kyc_complete;
mod leaderboard;
mod leaderboard_updated;
mod miner;
mod miner_adjust_points;
mod miner_ban;
mod miner_register;
mod miner_reset_streak;
mod miner_restore;
mod miner_set_role;
mod miner_suspend;
mod miner_updated;
mod miners;
mod mining_session_claim;
mod mining_session_start;
mod referral_apply;
mod referrals;
mod standing;
mod streak_recover;

/// A referral code as people paste it: their own writing, and the invite link.
fn pasted(code: &str, link: &str) -> [String; 7] {
    let (first, second) = code.split_at(4);
    let full_width = |char: char| char::from_u32(u32::from(char) + 0xFEE0).unwrap();
    [
        link.to_owned(),
        format!("{link}?utm_source=WHATSAPP"),
        format!("{first}-{second}"),
        format!(" {first} {second}"),
        code.to_lowercase(),
        code.chars().map(full_width).collect(),
        format!("{code}\u{200B}"),
    ]
}
