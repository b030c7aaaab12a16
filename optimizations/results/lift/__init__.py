"""The measured lift: optimized arm against holdout."""
