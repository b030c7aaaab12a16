"""What the model of the serving version says, and whether the data support it."""
