"""Create, change and validate optimizations: settings, life cycle, variants, regimes."""
