"""The form in four steps that creates an optimization as `POST /optimizations` does."""
