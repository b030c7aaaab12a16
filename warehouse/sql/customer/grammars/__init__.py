"""sqlglot's dialects, corrected where they misread or rename what customers write."""
