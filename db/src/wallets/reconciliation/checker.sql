-- Rules of the ledger's checker, in the order checked: what a rule is about, the invariant it checks, its name, and the query
-- of its mismatches: `detail`, and where there is one the `currency`, the `expected` and the `actual` amount or number, and the
-- `subject`: owner and id, with the `object`: wallet, hold, settlement, withdrawal, conversion or deposit.
--
-- Rules about an `owner` read the wallets, transfers, entries and rows of miners of the owners in scope, rules about a
-- `transaction` the transfers, entries, keys and audit entries of the transactions in scope; the checker defines them in front of the query. Tables of the schema
-- `public` are whole.

--- owner BALANCE: a wallet's balances are the sums of its entries
WITH sums AS (
    SELECT owner_id, wallet,
           sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE bucket = 'AVAILABLE') AS available,
           sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE bucket = 'HELD') AS held
    FROM entries WHERE sequence IS NOT NULL GROUP BY owner_id, wallet
)
SELECT format('owner %s, wallet %s: available %s, entries say %s; held %s, entries say %s',
              w.owner_id, w.id, w.available, coalesce(s.available, 0), w.held, coalesce(s.held, 0)) AS detail,
       w.currency, CASE WHEN w.available <> coalesce(s.available, 0) THEN coalesce(s.available, 0) ELSE coalesce(s.held, 0) END AS expected,
       CASE WHEN w.available <> coalesce(s.available, 0) THEN w.available ELSE w.held END AS actual,
       'wallet' AS object, w.owner_id, w.id::text AS id
FROM wallets w LEFT JOIN sums s ON s.owner_id = w.owner_id AND s.wallet = w.id
WHERE w.available <> coalesce(s.available, 0) OR w.held <> coalesce(s.held, 0)

--- owner SEQUENCE: a wallet's entries are numbered without a gap, and it knows the last
SELECT format('owner %s, wallet %s: sequence %s, entries %s, last %s',
              w.owner_id, w.id, w.sequence, coalesce(e.entries, 0), coalesce(e.last, 0)) AS detail,
       coalesce(e.entries, 0) AS expected, w.sequence AS actual, 'wallet' AS object, w.owner_id, w.id::text AS id
FROM wallets w LEFT JOIN (
    SELECT owner_id, wallet, count(DISTINCT sequence) AS entries, max(sequence) AS last, count(*) AS lines
    FROM entries WHERE sequence IS NOT NULL GROUP BY owner_id, wallet
) e ON e.owner_id = w.owner_id AND e.wallet = w.id
WHERE (w.sequence, w.sequence, w.sequence) IS DISTINCT FROM (coalesce(e.entries, 0), coalesce(e.last, 0), coalesce(e.lines, 0))

--- owner SEQUENCE: each entry's balance follows from the one before, and time never goes back
SELECT format('owner %s, wallet %s, entry %s: %s after %s', owner_id, wallet, sequence, balance_after, before) AS detail,
       currency, before + change AS expected, balance_after AS actual, 'wallet' AS object, owner_id, wallet::text AS id
FROM (
    SELECT owner_id, wallet, currency, sequence, balance_after, posted_at,
           CASE side WHEN 'CREDIT' THEN amount ELSE -amount END AS change,
           lag(balance_after, 1, 0::bigint) OVER (PARTITION BY owner_id, wallet, bucket ORDER BY sequence) AS before,
           lag(posted_at, 1, posted_at) OVER (PARTITION BY owner_id, wallet ORDER BY sequence) AS posted_before
    FROM entries WHERE sequence IS NOT NULL
) chained
WHERE balance_after <> before + change OR posted_at < posted_before

--- owner BALANCE: every transfer's wallets exist and keep a balance where it says so
SELECT format('owner %s, transaction %s, leg %s: wallet %s', e.owner_id, e.transaction_id, e.leg, e.wallet) AS detail
FROM entries e
LEFT JOIN public.wallets w ON w.owner_id = e.owner_id AND w.id = e.wallet
LEFT JOIN public.wallets house ON house.owner_id = '00000000-0000-0000-0000-000000000000' AND house.id = e.wallet
    AND house.kind IN ('TREASURY', 'MINING', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'TRANSIT')
WHERE coalesce(w.id, house.id) IS NULL
   OR (e.sequence IS NULL) <> (house.id IS NOT NULL OR w.kind IN ('ESCROW', 'PROCEEDS'))

--- owner HELD: a wallet's held part is what its holds reserve
SELECT format('owner %s, wallet %s: held %s, its holds reserve %s', w.owner_id, w.id, coalesce(w.held, 0), coalesce(h.amount, 0)) AS detail,
       currency, coalesce(h.amount, 0) AS expected, coalesce(w.held, 0) AS actual, 'wallet' AS object, owner_id, w.id::text AS id
FROM (SELECT owner_id, id, owner_kind, currency, held FROM wallets WHERE kind = 'MAIN' OR held <> 0) w
FULL JOIN (
    SELECT owner_id, owner_kind, currency, sum(amount) AS amount FROM holds WHERE status = 'HELD' GROUP BY 1, 2, 3
) h USING (owner_id, owner_kind, currency)
WHERE coalesce(w.held, 0) <> coalesce(h.amount, 0)

--- owner CLEARING: each settlement moved its amount and its payouts
SELECT format('owner %s, settlement %s: settled %s, moved %s; payouts %s, moved %s', s.owner_id, s.id, s.amount,
              coalesce(t.settled, 0), s.paid, coalesce(t.paid, 0)) AS detail,
       s.currency, CASE WHEN s.amount <> coalesce(t.settled, 0) THEN s.amount ELSE s.paid END AS expected,
       CASE WHEN s.amount <> coalesce(t.settled, 0) THEN coalesce(t.settled, 0) ELSE coalesce(t.paid, 0) END AS actual,
       'settlement' AS object, s.owner_id, s.id::text AS id
FROM (
    SELECT owner_id, id, transaction_id, currency, amount,
           (SELECT coalesce(sum((payout ->> 'amount')::bigint), 0) FROM jsonb_array_elements(payouts) payout) AS paid
    FROM settlements
) s LEFT JOIN (
    SELECT transaction_id, sum(amount) FILTER (WHERE reason = 'HOLD_SETTLED' AND debit_bucket = 'HELD') AS settled,
           sum(amount) FILTER (WHERE reason = 'PAYOUT' AND credit_wallet >= 65536) AS paid
    FROM public.transfers WHERE reason IN ('HOLD_SETTLED', 'PAYOUT') GROUP BY transaction_id
) t USING (transaction_id)
WHERE s.amount <> coalesce(t.settled, 0) OR s.paid <> coalesce(t.paid, 0)

--- owner WITHDRAWAL: each withdrawal held its amount, and paid it out or returned it
SELECT format('owner %s, withdrawal %s, %s: %s, held %s, paid %s, returned %s', w.owner_id, w.id, w.status, w.amount,
              coalesce(t.held, 0), coalesce(t.paid, 0), coalesce(t.returned, 0)) AS detail,
       w.currency, 'withdrawal' AS object, w.owner_id, w.id::text AS id
FROM withdrawals w LEFT JOIN (
    SELECT owner_id, reference_id, sum(amount) FILTER (WHERE reason = 'WITHDRAWAL_REQUESTED') AS held,
           sum(amount) FILTER (WHERE reason = 'WITHDRAWAL_COMPLETED') AS paid,
           sum(amount) FILTER (WHERE reason IN ('WITHDRAWAL_CANCELLED', 'WITHDRAWAL_FAILED')) AS returned
    FROM transfers WHERE reference_kind = 'withdrawal' GROUP BY 1, 2
) t ON t.owner_id = w.owner_id AND t.reference_id = w.id::text
WHERE w.amount <> coalesce(t.held, 0)
   OR coalesce(t.paid, 0) <> CASE w.status WHEN 'COMPLETED' THEN w.amount ELSE 0 END
   OR coalesce(t.returned, 0) <> CASE WHEN w.status IN ('CANCELLED', 'FAILED') THEN w.amount ELSE 0 END

--- owner CONVERSION: each conversion moved its amounts
SELECT format('owner %s, conversion %s: given %s, moved %s; received %s, moved %s; fee %s, moved %s', c.owner_id, c.id,
              c.given, coalesce(t.given, 0), c.received, coalesce(t.received, 0), c.gross - c.received, coalesce(t.fee, 0)) AS detail,
       'conversion' AS object, c.owner_id, c.id::text AS id
FROM conversions c LEFT JOIN (
    SELECT owner_id, transaction_id, sum(amount) FILTER (WHERE reason = 'CONVERSION' AND debit_wallet >= 65536) AS given,
           sum(amount) FILTER (WHERE reason = 'CONVERSION' AND credit_wallet >= 65536) AS received,
           sum(amount) FILTER (WHERE reason = 'CONVERSION_FEE') AS fee
    FROM transfers WHERE reference_kind = 'conversion' GROUP BY 1, 2
) t ON t.owner_id = c.owner_id AND t.transaction_id = c.transaction_id
WHERE (c.given, c.received, c.gross - c.received) IS DISTINCT FROM
      (coalesce(t.given, 0), coalesce(t.received, 0), coalesce(t.fee, 0))

--- owner DEPOSIT: each deposit arrived once and was credited as it says
SELECT format('owner %s, deposit %s: %s, arrived %s, credited %s', d.owner_id, d.id, d.amount, coalesce(t.arrived, 0),
              coalesce(t.credited, 0)) AS detail,
       d.currency, d.amount AS expected, coalesce(t.arrived, 0) AS actual, 'deposit' AS object, d.owner_id, d.id::text AS id
FROM deposits d LEFT JOIN (
    SELECT t.reference_id, sum(t.amount) FILTER (WHERE house.id IS NOT NULL) AS arrived,
           sum(t.amount) FILTER (WHERE t.credit_wallet >= 65536) AS credited
    FROM public.transfers t
    LEFT JOIN public.wallets house ON house.owner_id = '00000000-0000-0000-0000-000000000000' AND house.id = t.debit_wallet
        AND house.kind = 'EXTERNAL'
    WHERE t.reference_kind = 'deposit' AND t.reason IN ('DEPOSIT', 'DEPOSIT_UNMATCHED')
      AND t.reference_id IN (SELECT id::text FROM deposits)
      AND t.transaction_id NOT IN (SELECT transaction_id FROM public.reversals)
    GROUP BY 1
) t ON t.reference_id = d.id::text
WHERE d.transaction_id NOT IN (SELECT transaction_id FROM public.reversals)
  AND (d.amount <> coalesce(t.arrived, 0)
       OR coalesce(t.credited, 0) <> CASE WHEN d.credited_at IS NULL THEN 0 ELSE d.amount END)

--- ledger DEPOSIT: what waits in SUSPENSE are the deposits without an owner
SELECT format('currency %s: %s in SUSPENSE, %s unmatched', w.currency, w.available, coalesce(d.amount, 0)) AS detail,
       w.currency, coalesce(d.amount, 0) AS expected, w.available AS actual, 'wallet' AS object, w.owner_id, w.id::text AS id
FROM wallets w LEFT JOIN (
    SELECT currency, sum(amount) AS amount FROM public.deposits WHERE credited_id IS NULL GROUP BY currency
) d USING (currency)
WHERE w.kind = 'SUSPENSE' AND w.available <> coalesce(d.amount, 0)

--- ledger ISSUANCE: what is mined on a day exceeds no ceiling of the day by more than a hundredth
WITH mined AS (
    -- A count that is a second old lets some claims through; demo data has the points of earlier days.
    SELECT t.currency, (t.posted_at AT TIME ZONE 'UTC')::date AS day, sum(t.amount) AS amount
    FROM transfers t JOIN public.wallets house ON house.owner_id = '00000000-0000-0000-0000-000000000000' AND house.id = t.debit_wallet
        AND house.kind = 'MINING'
    WHERE t.reason <> 'OPENING_BALANCE' GROUP BY 1, 2
), ceilings AS (
    SELECT c.number AS currency, (settings.body->>'issuanceCeiling')::bigint AS ceiling, v.updated_at AS since,
           lead(v.updated_at, 1, 'infinity') OVER (PARTITION BY c.number ORDER BY v.version) AS until
    FROM public.configurations v CROSS JOIN jsonb_array_elements(v.body->'currencies') AS settings (body)
    JOIN public.currencies c ON c.code = settings.body->>'code'
    WHERE v.section = 'wallet'
)
SELECT format('currency %s, %s: mined %s, ceiling %s', m.currency, m.day, m.amount, c.ceiling) AS detail,
       m.currency, c.ceiling AS expected, m.amount AS actual
FROM mined m CROSS JOIN LATERAL (
    SELECT max(ceiling) AS ceiling FROM ceilings
    WHERE ceilings.currency = m.currency AND since < (m.day + 1) AT TIME ZONE 'UTC' AND until >= m.day AT TIME ZONE 'UTC'
) c
WHERE m.amount > c.ceiling + c.ceiling / 100

--- owner CLEARING: each clearing account has its reference, which says whether it is at zero
SELECT format('owner %s, currency %s: balance %s, open since %s', w.owner_id, w.currency, w.available, c.open_since) AS detail,
       w.currency, NULL::bigint AS expected, w.available AS actual, 'wallet' AS object, w.owner_id, w.id::text AS id
FROM wallets w LEFT JOIN public.clearing_accounts c USING (owner_id, currency)
WHERE w.kind = 'CLEARING' AND (c.owner_id IS NULL OR (c.open_since IS NULL) <> (w.available = 0))

--- owner CLEARING: each release of a clearing account moved its amount
WITH moved AS (
    SELECT owner_id, transaction_id, sum(amount) AS amount FROM transfers
    WHERE reason = 'CLEARING_RELEASED' AND debit_wallet >= 65536 GROUP BY owner_id, transaction_id
)
SELECT format('owner %s, transaction %s: released %s, moved %s', owner_id, transaction_id, r.amount, m.amount) AS detail
FROM clearing_releases r FULL JOIN moved m USING (owner_id, transaction_id)
WHERE r.amount IS DISTINCT FROM m.amount

--- owner HOUSE: each funding of a treasury moved its amount
WITH moved AS (
    SELECT owner_id, transaction_id, sum(amount) AS amount FROM transfers
    WHERE reason = 'TREASURY_FUNDED' GROUP BY owner_id, transaction_id
)
SELECT format('owner %s, transaction %s: funded %s, moved %s', owner_id, transaction_id, f.amount, m.amount) AS detail
FROM treasury_fundings f FULL JOIN moved m USING (owner_id, transaction_id)
WHERE f.amount IS DISTINCT FROM m.amount

--- owner ESCROW: a campaign's escrow covers its vouchers and pending redemptions
WITH covered AS (
    SELECT w.owner_id AS merchant_id, w.for_id AS id, w.id AS wallet, w.currency,
           coalesce(sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END), 0) AS amount
    FROM wallets w LEFT JOIN entries e ON e.owner_id = w.owner_id AND e.wallet = w.id
    WHERE w.kind = 'ESCROW' GROUP BY 1, 2, 3, 4
), needed AS (
    -- Once a campaign's end is stored, its unissued vouchers are covered no more.
    SELECT c.merchant_id, c.id, c.currency, c.total_vouchers, count(v.id) AS vouchers,
           coalesce(sum(v.remaining) FILTER (WHERE v.status IN ('CLAIMED', 'PARTIALLY_REDEEMED')
               OR (v.status = 'AVAILABLE' AND c.status IN ('ACTIVE', 'DRAFT', 'PAUSED'))), 0)
           + coalesce((SELECT sum(r.used + r.refunded) FROM redemptions r
                       WHERE r.merchant_id = c.merchant_id AND r.campaign_id = c.id AND r.status = 'PENDING'), 0) AS amount
    FROM campaigns c LEFT JOIN vouchers v ON v.merchant_id = c.merchant_id AND v.campaign_id = c.id
    GROUP BY c.merchant_id, c.id, c.currency, c.total_vouchers
)
SELECT format('merchant %s, campaign %s: escrow of %s, %s of %s vouchers need %s', merchant_id, id, c.amount, n.vouchers,
              n.total_vouchers, n.amount) AS detail,
       coalesce(c.currency, n.currency) AS currency, n.amount AS expected, c.amount AS actual,
       'wallet' AS object, merchant_id AS owner_id, c.wallet::text AS id
FROM needed n FULL JOIN covered c USING (merchant_id, id)
WHERE c.amount IS DISTINCT FROM n.amount OR c.currency IS DISTINCT FROM n.currency
   OR n.vouchers IS DISTINCT FROM n.total_vouchers

--- owner PROCEEDS: a campaign's proceeds are the prices that its vouchers and pending redemptions have not earned
WITH covered AS (
    SELECT w.owner_id AS merchant_id, w.for_id AS id, w.id AS wallet, w.currency,
           coalesce(sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END), 0) AS amount
    FROM wallets w LEFT JOIN entries e ON e.owner_id = w.owner_id AND e.wallet = w.id
    WHERE w.kind = 'PROCEEDS' GROUP BY 1, 2, 3, 4
), needed AS (
    SELECT c.merchant_id, c.id, c.price_currency AS currency,
           coalesce((SELECT sum(v.unearned) FROM vouchers v WHERE v.merchant_id = c.merchant_id AND v.campaign_id = c.id
                     AND v.status IN ('CLAIMED', 'PARTIALLY_REDEEMED')), 0)
           + coalesce((SELECT sum(r.price_share) FROM redemptions r
                       WHERE r.merchant_id = c.merchant_id AND r.campaign_id = c.id AND r.status = 'PENDING'), 0) AS amount
    FROM campaigns c
)
SELECT format('merchant %s, campaign %s: proceeds of %s, not earned %s', merchant_id, id, c.amount, n.amount) AS detail,
       coalesce(c.currency, n.currency) AS currency, n.amount AS expected, c.amount AS actual,
       'wallet' AS object, merchant_id AS owner_id, c.wallet::text AS id
FROM needed n FULL JOIN covered c USING (merchant_id, id)
-- Before its first sale a campaign has no such account.
WHERE coalesce(c.amount, 0) <> coalesce(n.amount, 0) OR (c.wallet IS NOT NULL AND n.currency <> c.currency)

--- owner VOUCHERS: figures, orders and directories agree with vouchers and redemptions
WITH redeemed AS (
    SELECT merchant_id, campaign_id AS id, count(*) AS redeemed, sum(used) AS used, sum(refunded) AS refunded,
           sum(returned) AS returned
    FROM redemptions WHERE status <> 'VOIDED' GROUP BY 1, 2
), counted AS (
    SELECT merchant_id, campaign_id AS id, sum(issued) AS issued, sum(redeemed) AS redeemed, sum(used) AS used,
           sum(refunded) AS refunded, sum(returned) AS returned
    FROM promotion_rollups GROUP BY 1, 2
), issued AS (
    SELECT merchant_id, campaign_id AS id, count(*) AS issued FROM vouchers WHERE status <> 'AVAILABLE' GROUP BY 1, 2
)
SELECT format('merchant %s, campaign %s: figures %s, rows %s', merchant_id, id,
              (c.issued, c.redeemed, c.used, c.refunded, c.returned), (i.issued, r.redeemed, r.used, r.refunded, r.returned)) AS detail
FROM campaigns LEFT JOIN counted c USING (merchant_id, id) LEFT JOIN issued i USING (merchant_id, id)
     LEFT JOIN redeemed r USING (merchant_id, id)
WHERE coalesce(c.issued, 0) <> coalesce(i.issued, 0) OR coalesce(c.redeemed, 0) <> coalesce(r.redeemed, 0)
   OR coalesce(c.used, 0) <> coalesce(r.used, 0) OR coalesce(c.refunded, 0) <> coalesce(r.refunded, 0)
   OR coalesce(c.returned, 0) <> coalesce(r.returned, 0)
UNION ALL
SELECT format('merchant %s, order %s: %s of %s covered, redemptions of %s', o.merchant_id, o.id, o.covered, o.amount, r.used)
FROM orders o LEFT JOIN LATERAL (
    SELECT coalesce(sum(used), 0) AS used, bool_and(order_amount = o.amount) AS fits FROM redemptions
    WHERE merchant_id = o.merchant_id AND order_id = o.id AND status <> 'VOIDED'
) r ON true
WHERE o.covered <> r.used OR NOT coalesce(r.fits, true)
UNION ALL
SELECT format('merchant %s, voucher %s: holder %s, in the directory %s %s until %s', v.merchant_id, v.id, v.owner_id, u.user_id, u.status,
              u.expires_at)
FROM vouchers v LEFT JOIN user_vouchers u ON u.user_id = v.owner_id AND u.voucher_id = v.id
WHERE v.status <> 'AVAILABLE' AND (u.merchant_id, u.status, u.expires_at, u.claimed_at)
    IS DISTINCT FROM (v.merchant_id, v.status, v.usable_until, v.claimed_at)
UNION ALL
SELECT format('merchant %s, redemption %s of %s is not in the directory', r.merchant_id, r.id, r.user_id)
FROM redemptions r
WHERE NOT EXISTS (SELECT FROM user_redemptions u WHERE u.user_id = r.user_id AND u.redemption_id = r.id)

--- owner REWARD: each reward was paid once
WITH moved AS (
    SELECT owner_id, transaction_id, sum(amount) AS amount FROM transfers
    WHERE reason = 'REWARD' AND debit_wallet >= 65536 GROUP BY owner_id, transaction_id
)
SELECT format('owner %s, transaction %s: a reward of %s, moved %s', owner_id, transaction_id, r.amount, m.amount) AS detail
FROM rewards r FULL JOIN moved m USING (owner_id, transaction_id)
WHERE r.amount IS DISTINCT FROM m.amount

--- owner FREEZE: a wallet is frozen when its owner is
SELECT format('owner %s, wallet %s: frozen %s, owner %s', w.owner_id, w.id, w.is_frozen, o.is_frozen) AS detail,
       'wallet' AS object, w.owner_id, w.id::text AS id
FROM wallets w LEFT JOIN public.owners o ON o.owner_id = w.owner_id AND o.owner_kind = w.owner_kind
WHERE w.is_frozen IS DISTINCT FROM o.is_frozen

--- owner REWARD: a miner's transfers are the changes in its history
WITH ledger AS (
    SELECT e.owner_id AS user_id, CASE WHEN e.reason IN ('ADJUSTMENT', 'STREAK_RECOVERY') THEN e.reason ELSE 'MINED' END AS cause,
           sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END) AS net, sum(e.amount) AS gross
    FROM entries e JOIN wallets w ON w.owner_id = e.owner_id AND w.id = e.wallet
    WHERE w.owner_kind = 'USER' AND w.kind = 'MAIN'
      AND (e.reason IN ('MINING_REWARD', 'STREAK_MILESTONE', 'STREAK_RECOVERY', 'ADJUSTMENT')
          -- Demo data posts the points of a miner's history at once.
          OR (e.reason = 'OPENING_BALANCE' AND e.currency = (SELECT number FROM currencies WHERE code = 'MP')
              AND EXISTS (SELECT FROM miners m WHERE m.user_id = e.owner_id)))
    GROUP BY 1, 2
), history AS (
    SELECT user_id, CASE WHEN source IN ('ADJUSTMENT', 'STREAK_RECOVERY') THEN source ELSE 'MINED' END AS cause,
           sum(points) AS net, sum(abs(points)) AS gross
    FROM mining_history GROUP BY 1, 2
)
SELECT format('user %s, %s: %s moved, %s in the history', user_id, cause, coalesce(l.net, 0), coalesce(h.net, 0)) AS detail
FROM ledger l FULL JOIN history h USING (user_id, cause)
WHERE coalesce(l.net, 0) <> coalesce(h.net, 0) OR coalesce(l.gross, 0) <> coalesce(h.gross, 0)

--- owner REWARD: each claimed session was paid once, as the session and the history say
WITH seeded AS (
    SELECT owner_id, max(posted_at) AS at FROM transfers WHERE reason = 'OPENING_BALANCE' GROUP BY owner_id
), claimed AS (
    SELECT s.user_id, s.id::text AS session_id, s.points_earned AS reward, s.streak_bonus AS milestones,
           coalesce(seeded.at >= s.claimed_at, false) AS is_seeded
    FROM mining_sessions s LEFT JOIN seeded ON seeded.owner_id = s.user_id
    WHERE s.status = 'CLAIMED'
), paid AS (
    SELECT owner_id AS user_id, reference_id AS session_id,
           coalesce(sum(amount) FILTER (WHERE reason = 'MINING_REWARD'), 0) AS reward,
           coalesce(sum(amount) FILTER (WHERE reason = 'STREAK_MILESTONE'), 0) AS milestones
    FROM transfers WHERE reference_kind = 'mining_session' GROUP BY 1, 2
), recorded AS (
    SELECT user_id, session_id::text AS session_id,
           coalesce(sum(points) FILTER (WHERE source = 'SESSION'), 0) AS reward,
           coalesce(sum(points) FILTER (WHERE source = 'STREAK_MILESTONE'), 0) AS milestones
    FROM mining_history WHERE session_id IS NOT NULL GROUP BY 1, 2
)
SELECT format('user %s, session %s: claimed %s and %s, paid %s and %s, in the history %s and %s', user_id, session_id,
              c.reward, c.milestones, p.reward, p.milestones, r.reward, r.milestones) AS detail
FROM claimed c FULL JOIN paid p USING (user_id, session_id) FULL JOIN recorded r USING (user_id, session_id)
WHERE (coalesce(c.reward, 0), coalesce(c.milestones, 0)) <> (coalesce(r.reward, 0), coalesce(r.milestones, 0))
   OR (c.is_seeded IS NOT TRUE
       AND (coalesce(c.reward, 0), coalesce(c.milestones, 0)) <> (coalesce(p.reward, 0), coalesce(p.milestones, 0)))

--- owner REWARD: a miner's lifetime points are the sum of its history, prices aside
SELECT format('user %s: lifetime points %s, in the history %s', m.user_id, m.lifetime_points, coalesce(h.points, 0)) AS detail
FROM miners m LEFT JOIN (
    SELECT user_id, sum(points) AS points FROM mining_history WHERE source <> 'STREAK_RECOVERY' GROUP BY user_id
) h ON h.user_id = m.user_id
WHERE m.lifetime_points <> coalesce(h.points, 0)

--- transaction TRANSIT: the transfers through TRANSIT sum to zero
SELECT format('transaction %s, currency %s: %s', e.transaction_id, e.currency,
              sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END)) AS detail
FROM entries e JOIN public.wallets w ON w.owner_id = '00000000-0000-0000-0000-000000000000' AND w.id = e.wallet
WHERE w.kind = 'TRANSIT'
GROUP BY e.transaction_id, e.currency HAVING sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END) <> 0

--- transaction TRACE: every transfer's reason fits its origin, its reference and its sides
SELECT format('transaction %s, leg %s: %s of %s by %s from %s to %s', t.transaction_id, t.leg, t.reason, t.reference_kind, t.origin,
              d.kind, c.kind) AS detail
FROM transfers t
LEFT JOIN public.wallets d ON d.id = t.debit_wallet
    AND d.owner_id = CASE WHEN t.debit_wallet < 65536 THEN '00000000-0000-0000-0000-000000000000' ELSE t.owner_id END
LEFT JOIN public.wallets c ON c.id = t.credit_wallet
    AND c.owner_id = CASE WHEN t.credit_wallet < 65536 THEN '00000000-0000-0000-0000-000000000000' ELSE t.owner_id END
WHERE NOT EXISTS (
    SELECT FROM (VALUES
        ('MINING_REWARD', 'USER', 'mining_session', 'MINING', 'MAIN'),
        ('STREAK_MILESTONE', 'USER', 'mining_session', 'MINING', 'MAIN'),
        ('STREAK_MILESTONE', 'USER', 'miner', 'MINING', 'MAIN'),
        ('STREAK_RECOVERY', 'USER', 'miner', 'MAIN', 'MINING'),
        ('ADJUSTMENT', 'STAFF', 'miner', 'MINING', 'MAIN'),
        ('ADJUSTMENT', 'STAFF', 'miner', 'MAIN', 'MINING')
    ) fits (reason, origin, reference_kind, debit, credit)
    WHERE fits = (t.reason, t.origin, t.reference_kind, d.kind, c.kind)
      AND t.currency = (SELECT number FROM currencies WHERE code = 'MP')
) AND NOT EXISTS (
    -- References of services are issuer, colon, type.
    SELECT FROM (VALUES
        ('HOLD_PLACED', 'SERVICE', 'MAIN', 'MAIN'),
        ('HOLD_RELEASED', 'SERVICE', 'MAIN', 'MAIN'),
        ('HOLD_EXPIRED', 'JOB', 'MAIN', 'MAIN'),
        ('HOLD_SETTLED', 'SERVICE', 'MAIN', 'TRANSIT'),
        ('HOLD_SETTLED', 'SERVICE', 'TRANSIT', 'CLEARING'),
        ('PAYOUT', 'SERVICE', 'CLEARING', 'TRANSIT'),
        ('PAYOUT', 'SERVICE', 'TRANSIT', 'MAIN'),
        -- An owner whose id is that of the clearing account is at the same home.
        ('HOLD_SETTLED', 'SERVICE', 'MAIN', 'CLEARING'),
        ('PAYOUT', 'SERVICE', 'CLEARING', 'MAIN')
    ) fits (reason, origin, debit, credit)
    WHERE fits = (t.reason, t.origin, d.kind, c.kind) AND t.reference_kind LIKE '%:%'
) AND NOT EXISTS (
    SELECT FROM (VALUES
        ('WITHDRAWAL_REQUESTED', 'USER', 'MAIN'),
        ('WITHDRAWAL_REQUESTED', 'SERVICE', 'MAIN'),
        ('WITHDRAWAL_CANCELLED', 'USER', 'MAIN'),
        ('WITHDRAWAL_CANCELLED', 'SERVICE', 'MAIN'),
        ('WITHDRAWAL_FAILED', 'STAFF', 'MAIN'),
        ('WITHDRAWAL_FAILED', 'SERVICE', 'MAIN'),
        ('WITHDRAWAL_FAILED', 'JOB', 'MAIN'),
        ('WITHDRAWAL_COMPLETED', 'STAFF', 'EXTERNAL'),
        ('WITHDRAWAL_COMPLETED', 'SERVICE', 'EXTERNAL'),
        ('WITHDRAWAL_COMPLETED', 'JOB', 'EXTERNAL')
    ) fits (reason, origin, credit)
    WHERE fits = (t.reason, t.origin, c.kind) AND d.kind = 'MAIN' AND t.reference_kind = 'withdrawal'
      AND EXISTS (SELECT FROM public.withdrawals of WHERE of.owner_id = t.owner_id AND of.id::text = t.reference_id)
) AND NOT EXISTS (
    SELECT FROM (VALUES
        ('CONVERSION', 'MAIN', 'FX'),
        ('CONVERSION', 'FX', 'MAIN'),
        ('CONVERSION_FEE', 'FX', 'FEES')
    ) fits (reason, debit, credit)
    WHERE fits = (t.reason, d.kind, c.kind) AND t.reference_kind = 'conversion' AND t.origin IN ('USER', 'SERVICE')
      AND EXISTS (SELECT FROM public.conversions of WHERE of.owner_id = t.owner_id AND of.transaction_id = t.transaction_id)
) AND NOT EXISTS (
    SELECT FROM (VALUES
        ('DEPOSIT', 'EXTERNAL', 'MAIN'),
        ('DEPOSIT_UNMATCHED', 'EXTERNAL', 'SUSPENSE'),
        ('DEPOSIT', 'SUSPENSE', 'TRANSIT'),
        ('DEPOSIT', 'TRANSIT', 'MAIN')
    ) fits (reason, debit, credit)
    WHERE fits = (t.reason, d.kind, c.kind) AND t.reference_kind = 'deposit' AND t.origin IN ('STAFF', 'SERVICE')
      AND EXISTS (SELECT FROM public.deposits of WHERE of.id::text = t.reference_id)
) AND NOT EXISTS (
    SELECT FROM (VALUES
        ('CLEARING_RELEASED', 'CLEARING', 'TRANSIT'),
        ('CLEARING_RELEASED', 'TRANSIT', 'MAIN'),
        ('CLEARING_RELEASED', 'CLEARING', 'MAIN'),
        ('CLEARING_RELEASED', 'CLEARING', 'REVENUE')
    ) fits (reason, debit, credit)
    WHERE fits = (t.reason, d.kind, c.kind) AND t.origin IN ('SERVICE', 'STAFF') AND t.reference_kind LIKE '%:%'
) AND NOT EXISTS (
    SELECT FROM (VALUES
        ('TREASURY_FUNDED', 'STAFF', 'treasury_funding', 'TREASURY', 'CAMPAIGN_TREASURY'),
        ('CAMPAIGN_ESCROW', 'USER', 'campaign', 'MAIN', 'ESCROW'),
        ('ESCROW_RELEASE', 'USER', 'campaign', 'ESCROW', 'MAIN'),
        ('ESCROW_RELEASE', 'STAFF', 'campaign', 'ESCROW', 'MAIN'),
        ('ESCROW_RELEASE', 'JOB', 'campaign', 'ESCROW', 'MAIN'),
        ('ESCROW_RELEASE', 'STAFF', 'voucher', 'ESCROW', 'MAIN'),
        ('ESCROW_RELEASE', 'JOB', 'voucher', 'ESCROW', 'MAIN'),
        ('VOUCHER_PRICE', 'USER', 'voucher', 'MAIN', 'TRANSIT'),
        ('VOUCHER_PRICE', 'USER', 'voucher', 'TRANSIT', 'PROCEEDS'),
        -- The buyer's id is that of the merchant.
        ('VOUCHER_PRICE', 'USER', 'voucher', 'MAIN', 'PROCEEDS'),
        ('VOUCHER_PRICE_EARNED', 'JOB', 'campaign', 'PROCEEDS', 'MAIN'),
        ('VOUCHER_REFUND', 'STAFF', 'voucher', 'PROCEEDS', 'TRANSIT'),
        ('VOUCHER_REFUND', 'STAFF', 'voucher', 'TRANSIT', 'MAIN'),
        ('VOUCHER_REFUND', 'STAFF', 'voucher', 'PROCEEDS', 'MAIN'),
        ('VOUCHER_REFUND', 'JOB', 'voucher', 'PROCEEDS', 'TRANSIT'),
        ('VOUCHER_REFUND', 'JOB', 'voucher', 'TRANSIT', 'MAIN'),
        ('VOUCHER_REFUND', 'JOB', 'voucher', 'PROCEEDS', 'MAIN'),
        ('REWARD', 'SERVICE', 'reward', 'CAMPAIGN_TREASURY', 'TRANSIT'),
        ('REWARD', 'SERVICE', 'reward', 'TRANSIT', 'MAIN'),
        -- The claimant's id is that of the campaign.
        ('REWARD', 'SERVICE', 'reward', 'CAMPAIGN_TREASURY', 'MAIN')
    ) fits (reason, origin, reference_kind, debit, credit)
    WHERE fits = (t.reason, t.origin, t.reference_kind, d.kind, c.kind)
) AND NOT EXISTS (
    -- Redemptions, of an order or without one: settled, voided too late, or returned.
    SELECT FROM (VALUES
        ('REDEMPTION_SETTLED', 'ESCROW', 'MAIN'),
        ('VOUCHER_PRICE_EARNED', 'PROCEEDS', 'MAIN'),
        ('ESCROW_RELEASE', 'ESCROW', 'MAIN'),
        ('REDEMPTION_RETURNED', 'MAIN', 'ESCROW'),
        ('REDEMPTION_RETURNED', 'MAIN', 'PROCEEDS'),
        ('VOUCHER_REFUND', 'PROCEEDS', 'TRANSIT'),
        ('VOUCHER_REFUND', 'MAIN', 'TRANSIT'),
        ('VOUCHER_REFUND', 'TRANSIT', 'MAIN'),
        ('VOUCHER_REFUND', 'PROCEEDS', 'MAIN'),
        ('VOUCHER_REFUND', 'MAIN', 'MAIN')
    ) fits (reason, debit, credit)
    WHERE fits = (t.reason, d.kind, c.kind) AND t.reference_kind IN ('order', 'redemption')
      AND t.origin IN ('USER', 'STAFF', 'SERVICE', 'JOB')
) AND NOT EXISTS (
    -- The other way round: of deposits, rewards, fundings and releases of clearing accounts.
    SELECT FROM (VALUES
        ('MAIN', 'EXTERNAL'), ('TRANSIT', 'SUSPENSE'), ('MAIN', 'TRANSIT'), ('TRANSIT', 'CAMPAIGN_TREASURY'),
        ('MAIN', 'CAMPAIGN_TREASURY'), ('CAMPAIGN_TREASURY', 'TREASURY'), ('TRANSIT', 'CLEARING'), ('MAIN', 'CLEARING'),
        ('REVENUE', 'CLEARING')
    ) fits (debit, credit)
    WHERE fits = (d.kind, c.kind) AND (t.reason, t.origin, t.reference_kind) = ('REVERSAL', 'STAFF', 'transaction')
) AND NOT (
    (t.reason, t.origin, t.reference_kind) = ('HOUSE_TRANSFER', 'STAFF', 'house_transfer')
    AND d.kind IN ('EXTERNAL', 'FEES', 'FX', 'REVENUE', 'TREASURY') AND c.kind IN ('EXTERNAL', 'FEES', 'FX', 'REVENUE', 'TREASURY')
) AND NOT (t.reason = 'OPENING_BALANCE' AND t.origin = 'SEED' AND EXISTS (SELECT FROM demo_people))

--- transaction HOUSE: each transfer of the house moved its amount
WITH moved AS (
    SELECT transaction_id, sum(amount) AS amount FROM transfers WHERE reason = 'HOUSE_TRANSFER' GROUP BY transaction_id
)
SELECT format('transaction %s: %s in the list, moved %s', transaction_id, h.amount, m.amount) AS detail
FROM house_transfers h FULL JOIN moved m USING (transaction_id)
WHERE h.amount IS DISTINCT FROM m.amount

--- transaction REVERSAL: each reversal is its transaction the other way round
WITH back AS (
    SELECT r.reversal_id AS transaction_id, t.credit_wallet AS debit, t.debit_wallet AS credit, sum(t.amount) AS amount
    FROM reversals r JOIN public.transfers t USING (transaction_id) GROUP BY 1, 2, 3
), moved AS (
    SELECT transaction_id, debit_wallet AS debit, credit_wallet AS credit, sum(amount) AS amount
    FROM public.transfers WHERE transaction_id IN (SELECT reversal_id FROM reversals) GROUP BY 1, 2, 3
)
SELECT format('transaction %s: %s to reverse, moved %s', transaction_id, b.amount, m.amount) AS detail
FROM back b FULL JOIN moved m USING (transaction_id, debit, credit)
WHERE b.amount IS DISTINCT FROM m.amount
UNION ALL
SELECT format('transaction %s reverses none', t.transaction_id) FROM transfers t
WHERE t.reason = 'REVERSAL' AND NOT EXISTS (SELECT FROM public.reversals r WHERE r.reversal_id = t.transaction_id)

--- transaction REWARD: every adjustment has the audit entry of its points
WITH adjusted AS (
    SELECT transaction_id, owner_id::text AS user_id, sum(CASE WHEN credit_wallet < 65536 THEN -amount ELSE amount END) AS points
    FROM transfers WHERE reason = 'ADJUSTMENT' GROUP BY 1, 2
), audited AS (
    SELECT transaction_id, entity_id AS user_id,
           ((after ->> 'totalMinedPoints')::numeric - (before ->> 'totalMinedPoints')::numeric) * 10000 AS points
    FROM audit_log
    WHERE action = 'mining.miner_points_adjust' AND outcome = 'APPLIED' AND transaction_id IS NOT NULL
)
SELECT format('transaction %s, user %s: %s adjusted, %s in the audit log', transaction_id, user_id, a.points, l.points) AS detail
FROM adjusted a FULL JOIN audited l USING (transaction_id, user_id)
WHERE a.points IS DISTINCT FROM l.points

--- transaction TRACE: every transaction of the last week has its event
SELECT format('transaction %s', t.transaction_id) AS detail
FROM (SELECT DISTINCT transaction_id FROM transfers
      WHERE origin <> 'SEED' AND posted_at > (SELECT app_now()) - interval '6 days') t
WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.transaction_id = t.transaction_id)

--- transaction TRACE: every command's transaction of the last two days has its idempotency key
SELECT format('transaction %s', t.transaction_id) AS detail
FROM (SELECT DISTINCT transaction_id FROM transfers
      WHERE origin IN ('USER', 'STAFF', 'SERVICE') AND posted_at > (SELECT app_now()) - interval '47 hours') t
WHERE NOT EXISTS (SELECT 1 FROM public.idempotency_keys k WHERE k.transaction_id = t.transaction_id AND NOT k.is_refused)
  -- The key of a batch has the transactions of its settlements in its answer.
  AND t.transaction_id NOT IN (
      SELECT (settled ->> 'transaction')::uuid
      FROM public.idempotency_keys k, jsonb_array_elements(k.answer) settled
      WHERE k.operation = 'wallets.hold_batch_settle' AND NOT k.is_refused)

--- transaction TRACE: every key that moved something has its transfers
SELECT format('key %s of %s', k.key, k.caller) AS detail FROM idempotency_keys k
WHERE k.transaction_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM public.transfers t WHERE t.transaction_id = k.transaction_id)

--- transaction TRACE: every transaction of staff has its audit entry
SELECT format('transaction %s', t.transaction_id) AS detail
FROM (SELECT DISTINCT transaction_id FROM transfers WHERE origin = 'STAFF') t
WHERE NOT EXISTS (SELECT 1 FROM audit_log a WHERE a.transaction_id = t.transaction_id)

--- ledger CURRENCY_SUM: each currency sums to zero over all accounts
WITH house AS (
    SELECT e.currency, sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END) AS balance
    FROM entries e WHERE e.sequence IS NULL GROUP BY e.currency
), kept AS (
    SELECT currency, sum(available + held) AS balance FROM wallets GROUP BY currency
)
SELECT format('currency %s: %s', currency, coalesce(house.balance, 0) + coalesce(kept.balance, 0)) AS detail,
       currency, 0 AS expected, coalesce(house.balance, 0) + coalesce(kept.balance, 0) AS actual
FROM kept FULL JOIN house USING (currency)
WHERE coalesce(house.balance, 0) + coalesce(kept.balance, 0) <> 0
