-- A function in plain SQL is planned anew by every statement that calls it; this language keeps the plan.
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE
    AS $$ BEGIN RETURN (SELECT clock_timestamp() + offset_microseconds * interval '1 microsecond' FROM app_clock); END $$;
