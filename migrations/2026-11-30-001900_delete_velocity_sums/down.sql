REVOKE DELETE ON velocity_sums FROM goodgo_app;
