"""CPU time and memory of fitting and compiling, for every kind of reward."""
