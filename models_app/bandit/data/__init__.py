"""Tables of counts: what models are fitted to and what policies are evaluated on."""
