"""For those who measure: each study is a module that prints a table."""
