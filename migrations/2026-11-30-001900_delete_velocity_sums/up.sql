GRANT DELETE ON velocity_sums TO goodgo_app;
