"""The parts of the tab Results: what they say is judged elsewhere, here it gets its words."""
