-- Rules of the ledger's checker, in the order checked: what a rule is about, its name, and the query of its mismatches.
--
-- Rules about an `owner` read the wallets and entries of the owners in scope, rules about a `transaction` the transfers,
-- entries and keys of the transactions in scope; the checker defines them in front of the query. Tables of the schema
-- `public` are whole.

--- owner: a wallet's balances are the sums of its entries
WITH sums AS (
    SELECT owner_id, wallet,
           sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE bucket = 'AVAILABLE') AS available,
           sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE bucket = 'HELD') AS held
    FROM entries WHERE sequence IS NOT NULL GROUP BY owner_id, wallet
)
SELECT format('owner %s, wallet %s: available %s, entries say %s; held %s, entries say %s',
              w.owner_id, w.id, w.available, coalesce(s.available, 0), w.held, coalesce(s.held, 0)) AS detail
FROM wallets w LEFT JOIN sums s ON s.owner_id = w.owner_id AND s.wallet = w.id
WHERE w.available <> coalesce(s.available, 0) OR w.held <> coalesce(s.held, 0)

--- owner: a wallet's entries are numbered without a gap, and it knows the last
SELECT format('owner %s, wallet %s: sequence %s, entries %s, last %s',
              w.owner_id, w.id, w.sequence, coalesce(e.entries, 0), coalesce(e.last, 0)) AS detail
FROM wallets w LEFT JOIN (
    SELECT owner_id, wallet, count(DISTINCT sequence) AS entries, max(sequence) AS last, count(*) AS lines
    FROM entries WHERE sequence IS NOT NULL GROUP BY owner_id, wallet
) e ON e.owner_id = w.owner_id AND e.wallet = w.id
WHERE (w.sequence, w.sequence, w.sequence) IS DISTINCT FROM (coalesce(e.entries, 0), coalesce(e.last, 0), coalesce(e.lines, 0))

--- owner: each entry's balance follows from the one before, and time never goes back
SELECT format('owner %s, wallet %s, entry %s: %s after %s', owner_id, wallet, sequence, balance_after, before) AS detail
FROM (
    SELECT owner_id, wallet, sequence, balance_after, posted_at,
           CASE side WHEN 'CREDIT' THEN amount ELSE -amount END AS change,
           lag(balance_after, 1, 0::bigint) OVER (PARTITION BY owner_id, wallet, bucket ORDER BY sequence) AS before,
           lag(posted_at, 1, posted_at) OVER (PARTITION BY owner_id, wallet ORDER BY sequence) AS posted_before
    FROM entries WHERE sequence IS NOT NULL
) chained
WHERE balance_after <> before + change OR posted_at < posted_before

--- owner: every transfer's wallets exist and keep a balance where it says so
SELECT format('owner %s, transaction %s, leg %s: wallet %s', e.owner_id, e.transaction_id, e.leg, e.wallet) AS detail
FROM entries e
LEFT JOIN public.wallets w ON w.owner_id = e.owner_id AND w.id = e.wallet
LEFT JOIN public.wallets house ON house.owner_id = '00000000-0000-0000-0000-000000000000' AND house.id = e.wallet
    AND house.kind IN ('TREASURY', 'MINING', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'TRANSIT')
WHERE coalesce(w.id, house.id) IS NULL
   OR (e.sequence IS NULL) <> (house.id IS NOT NULL OR w.kind IN ('ESCROW', 'PROCEEDS'))

--- owner: a wallet's held part is what its holds reserve
SELECT format('owner %s, wallet %s: held %s without a hold', owner_id, id, held) AS detail FROM wallets WHERE held <> 0

--- owner: a wallet is frozen when its owner is
SELECT format('owner %s, wallet %s: frozen %s, owner %s', w.owner_id, w.id, w.is_frozen, o.is_frozen) AS detail
FROM wallets w LEFT JOIN public.owners o ON o.owner_id = w.owner_id AND o.owner_kind = w.owner_kind
WHERE w.is_frozen IS DISTINCT FROM o.is_frozen

--- transaction: the transfers through TRANSIT sum to zero
SELECT format('transaction %s, currency %s: %s', e.transaction_id, e.currency,
              sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END)) AS detail
FROM entries e JOIN public.wallets w ON w.owner_id = '00000000-0000-0000-0000-000000000000' AND w.id = e.wallet
WHERE w.kind = 'TRANSIT'
GROUP BY e.transaction_id, e.currency HAVING sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END) <> 0

--- transaction: every transaction of the last week has its event
SELECT format('transaction %s', t.transaction_id) AS detail
FROM (SELECT DISTINCT transaction_id FROM transfers
      WHERE origin <> 'SEED' AND posted_at > (SELECT app_now()) - interval '6 days') t
WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.transaction_id = t.transaction_id)

--- transaction: every command's transaction of the last two days has its idempotency key
SELECT format('transaction %s', t.transaction_id) AS detail
FROM (SELECT DISTINCT transaction_id FROM transfers
      WHERE origin IN ('USER', 'STAFF', 'SERVICE') AND posted_at > (SELECT app_now()) - interval '47 hours') t
WHERE NOT EXISTS (SELECT 1 FROM public.idempotency_keys k WHERE k.transaction_id = t.transaction_id AND NOT k.is_refused)

--- transaction: every key that moved something has its transfers
SELECT format('key %s of %s', k.key, k.caller) AS detail FROM idempotency_keys k
WHERE k.transaction_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM public.transfers t WHERE t.transaction_id = k.transaction_id)

--- transaction: every transaction of staff and services has its audit entry
SELECT format('transaction %s', t.transaction_id) AS detail
FROM (SELECT DISTINCT transaction_id FROM transfers WHERE origin IN ('STAFF', 'SERVICE')) t
WHERE NOT EXISTS (SELECT 1 FROM audit_log a WHERE a.transaction_id = t.transaction_id)

--- ledger: each currency sums to zero over all accounts
WITH house AS (
    SELECT e.currency, sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END) AS balance
    FROM entries e WHERE e.sequence IS NULL GROUP BY e.currency
), kept AS (
    SELECT currency, sum(available + held) AS balance FROM wallets GROUP BY currency
)
SELECT format('currency %s: %s', currency, coalesce(house.balance, 0) + coalesce(kept.balance, 0)) AS detail
FROM kept FULL JOIN house USING (currency)
WHERE coalesce(house.balance, 0) + coalesce(kept.balance, 0) <> 0
