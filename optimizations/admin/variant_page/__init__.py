"""What the tab Variants shows: the variants in words, found, sorted, as cards or rows."""
