"""Report what an optimization achieved: measured lift, modeled figures, checks."""
