"""What is judged in the text of a query before it is parsed, and the parsing."""
