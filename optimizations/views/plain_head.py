"""The head of a plain serve: what it says, read once for all requests that repeat it."""

from collections.abc import Mapping
from typing import NamedTuple

from levered_site.organizations import key_memory, serving_keys
from levered_site.web.asgi_types import Scope
from optimizations.serving import crawlers
from optimizations.views import asgi_request
from optimizations.views.fixed_headers import EncodedHeaders, FixedHeaders
from optimizations.views.serve_request import ServeClient, choose_rate_limit

Limit = tuple[str, str, str]


class PlainHead(NamedTuple):
    """What a request says before its body.

    `optimization_id` is that of the path, None where the body names it. `client` and
    `limit` are those of a request without a key; `key_digest` is of its secret, None
    without one. `sent_id` is the request id that was sent; "" for none. `fixed` are the
    headers of every answer.
    """

    optimization_id: str | None
    client: ServeClient
    limit: Limit
    key_digest: str | None
    network: str
    sent_id: str
    fixed: EncodedHeaders

    def find_client(self) -> tuple[ServeClient, Limit] | None:
        """Return who asks, and by which limit it is counted.

        None for a key of which this process does not know that it may serve now.
        """
        if self.key_digest is None:
            return self.client, self.limit
        key = serving_keys.find_key_in_memory(self.key_digest)
        if key is None:
            return None
        client = self.client._replace(key_organization_id=key.organization_id)
        return client, choose_rate_limit(self.network, key)


class PlainHeads:
    """Reads heads, and remembers the headers of their answers."""

    def __init__(self) -> None:
        self._fixed_headers = FixedHeaders()

    def read(self, scope: Scope, optimization_id: str | None) -> PlainHead:
        """Read a head that `asgi_request.match_path` let pass, with the id of its path."""
        headers: Mapping[bytes, bytes] = scope[asgi_request.HEADERS_BY_NAME]
        client = _describe_client(headers)
        secret = asgi_request.find_secret(headers)
        network = asgi_request.find_network(scope, headers)
        is_secure = asgi_request.is_secure(scope, headers)
        return PlainHead(
            optimization_id.lower() if optimization_id else None,
            client,
            choose_rate_limit(network, None),
            key_memory.hash_secret(secret) if secret else None,
            network,
            headers.get(b"x-request-id", b"").decode("latin-1"),
            self._fixed_headers.find(client.origin, is_secure=is_secure),
        )


def _describe_client(headers: Mapping[bytes, bytes]) -> ServeClient:
    origin = headers.get(b"origin")
    user_agent = headers.get(b"user-agent", b"").decode("latin-1")
    return ServeClient(
        origin=None if origin is None else origin.decode("latin-1"),
        is_crawler=bool(user_agent) and crawlers.is_crawler(user_agent),
    )
