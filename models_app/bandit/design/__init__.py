"""Factors, contexts and variants, and the design matrix built from them."""
