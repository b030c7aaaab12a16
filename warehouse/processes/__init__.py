"""Child processes that may be killed: what a customer can make slow, large or fatal.

The service's own processes only send a request and read messages under a deadline. A child
is a fence against time, memory and crashes, not against hostile code: it runs as the same
user, with an environment of its own that holds no secrets.
"""
