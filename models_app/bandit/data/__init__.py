"""The tables of counts that models are fitted to."""
