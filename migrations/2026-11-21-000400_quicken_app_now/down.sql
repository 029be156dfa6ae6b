CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz
    LANGUAGE sql VOLATILE
    AS $$ SELECT clock_timestamp() + offset_microseconds * interval '1 microsecond' FROM app_clock $$;
