"""MCP over HTTP for coding agents, on top of the REST API's own views.

A tool repeats nothing of what an endpoint does. It calls the endpoint's view inside the
process with the caller's own credentials (`rest_api`), so authentication, roles, tenancy,
validation, audit entries and error texts cannot drift apart. This package adds only what
agents need: related requests in one call, a summary before the detail, answers of bounded
size, and a preview of every change before it is made.
"""
