"""Charts of the pages: pure functions, numbers in, accessible SVG with its table out."""
