-- Rules of the ledger's checker, in the order checked: a rule's name, and the query of its mismatches.

--- each currency sums to zero over all accounts
WITH house AS (
    SELECT e.currency, sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END) AS balance
    FROM entries e WHERE e.sequence IS NULL GROUP BY e.currency
), kept AS (
    SELECT currency, sum(available + held) AS balance FROM wallets GROUP BY currency
)
SELECT format('currency %s: %s', currency, coalesce(house.balance, 0) + coalesce(kept.balance, 0)) AS detail
FROM kept FULL JOIN house USING (currency)
WHERE coalesce(house.balance, 0) + coalesce(kept.balance, 0) <> 0

--- a wallet's balances are the sums of its entries
WITH sums AS (
    SELECT wallet,
           sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE bucket = 'AVAILABLE') AS available,
           sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE bucket = 'HELD') AS held
    FROM entries WHERE sequence IS NOT NULL GROUP BY wallet
)
SELECT format('wallet %s: available %s, entries say %s; held %s, entries say %s',
              w.id, w.available, coalesce(s.available, 0), w.held, coalesce(s.held, 0)) AS detail
FROM wallets w LEFT JOIN sums s ON s.wallet = w.id
WHERE w.available <> coalesce(s.available, 0) OR w.held <> coalesce(s.held, 0)

--- a wallet's entries are numbered without a gap, and it knows the last
SELECT format('wallet %s: sequence %s, entries %s, last %s', w.id, w.sequence, coalesce(e.entries, 0), coalesce(e.last, 0)) AS detail
FROM wallets w LEFT JOIN (
    SELECT wallet, count(DISTINCT sequence) AS entries, max(sequence) AS last, count(*) AS lines
    FROM entries WHERE sequence IS NOT NULL GROUP BY wallet
) e ON e.wallet = w.id
WHERE (w.sequence, w.sequence, w.sequence) IS DISTINCT FROM (coalesce(e.entries, 0), coalesce(e.last, 0), coalesce(e.lines, 0))

--- each entry's balance follows from the one before, and time never goes back
SELECT format('wallet %s, entry %s: %s after %s', wallet, sequence, balance_after, before) AS detail
FROM (
    SELECT wallet, sequence, balance_after, posted_at,
           CASE side WHEN 'CREDIT' THEN amount ELSE -amount END AS change,
           lag(balance_after, 1, 0::bigint) OVER (PARTITION BY wallet, bucket ORDER BY sequence) AS before,
           lag(posted_at, 1, posted_at) OVER (PARTITION BY wallet ORDER BY sequence) AS posted_before
    FROM entries WHERE sequence IS NOT NULL
) chained
WHERE balance_after <> before + change OR posted_at < posted_before

--- every transfer's wallets exist and keep a balance where it says so
SELECT format('transfer %s: wallet %s', e.transfer_id, e.wallet) AS detail
FROM entries e LEFT JOIN wallets w ON w.id = e.wallet
WHERE w.id IS NULL
   OR (e.sequence IS NULL) <> (w.kind IN ('TREASURY', 'MINING', 'ESCROW', 'PROCEEDS', 'FEES', 'FX', 'REVENUE', 'EXTERNAL'))

--- a wallet's held part is what its holds reserve
SELECT format('wallet %s: held %s without a hold', id, held) AS detail FROM wallets WHERE held <> 0

--- every transaction of the last week has its event
SELECT format('transaction %s', t.transaction_id) AS detail
FROM (SELECT DISTINCT transaction_id FROM transfers
      WHERE origin <> 'SEED' AND posted_at > (SELECT app_now()) - interval '6 days') t
WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.transaction_id = t.transaction_id)

--- every command's transaction of the last two days has its idempotency key
SELECT format('transaction %s', t.transaction_id) AS detail
FROM (SELECT DISTINCT transaction_id FROM transfers
      WHERE origin IN ('USER', 'STAFF', 'SERVICE') AND posted_at > (SELECT app_now()) - interval '47 hours') t
WHERE NOT EXISTS (SELECT 1 FROM idempotency_keys k WHERE k.transaction_id = t.transaction_id AND NOT k.is_refused)

--- every key that moved something has its transfers
SELECT format('key %s of %s', k.key, k.caller) AS detail FROM idempotency_keys k
WHERE k.transaction_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.transaction_id = k.transaction_id)

--- every transaction of staff and services has its audit entry
SELECT format('transaction %s', t.transaction_id) AS detail
FROM (SELECT DISTINCT transaction_id FROM transfers WHERE origin IN ('STAFF', 'SERVICE')) t
WHERE NOT EXISTS (SELECT 1 FROM audit_log a WHERE a.transaction_id = t.transaction_id)
