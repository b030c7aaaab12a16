"""Design matrices: factors, contexts, contrasts and the subset of terms in use."""
