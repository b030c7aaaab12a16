"""The door for agents: MCP over HTTP, speaking through the REST API's own views.

A tool does not repeat what an endpoint does. It asks the endpoint itself, inside the
process, with the caller's own credentials (`calls`): the same authentication, roles,
tenancy, validation, deeds, audit entries and error texts, which cannot drift apart. What
is of this door alone: which questions belong together, a summary before the detail,
answers of bounded size, and that nothing is changed before it was shown what would change.
"""
