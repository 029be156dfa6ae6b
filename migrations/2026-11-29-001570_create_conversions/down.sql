DROP TABLE fx_positions, conversions, rate_snapshots;
