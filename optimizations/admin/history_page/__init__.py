"""The stream of what happened to an optimization: periods, trainings, changes, notes."""
