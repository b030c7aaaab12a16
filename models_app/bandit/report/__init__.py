"""What a fitted model says about variants, factors and contexts."""
