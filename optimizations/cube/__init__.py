"""The observation cube: which days to count, the cube's spec, and the stored counts."""
