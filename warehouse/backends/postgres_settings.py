"""Session settings that the managed store and customers' Postgres share."""

# The planner takes our intermediate results for tiny and would loop over them.
CUBE_SETTINGS = {"enable_nestloop": "off", "jit": "off", "work_mem": "64MB"}
