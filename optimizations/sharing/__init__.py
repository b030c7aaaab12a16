"""Links that show results without a log-in: make, revoke and open them."""
