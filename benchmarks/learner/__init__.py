"""What fitting and compiling cost, for every kind of reward."""
