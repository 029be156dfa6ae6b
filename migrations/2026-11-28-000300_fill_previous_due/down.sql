UPDATE miners SET previous_since = NULL, previous_due_at = NULL WHERE previous_since IS NOT NULL;
