"""The ASGI application of a web process: the serve front, then Django behind a bridge."""

from django.conf import settings

from levered_site.api import docs
from levered_site.observability import prometheus
from levered_site.web.bodies import BodyMemory
from levered_site.web.bridge import LargeBodies, WsgiBridge
from levered_site.web.endpoint_limits import find_body_limit
from levered_site.web.large_body_gate import LargeBodyGate
from levered_site.web.lifespan import Lifespan
from levered_site.web.threads import ThreadStack
from levered_site.wsgi import application as wsgi_application
from optimizations.serving import web_process
from optimizations.views.serve_front import ServeFront

THREADS = 32
# A call waits no longer than this for a thread, so that clients that wait 2 s get a 503.
THREAD_WAIT_SECONDS = 1.5
MAX_WAITING_CALLS = 1024
# Bytes of large bodies that threads work on at once: room for more than the slow requests
# of a process (WAITING_REQUESTS), so that these never keep ingestion out.
LARGE_BODY_BYTES = (8 + settings.WAITING_REQUESTS) * 2**20
LARGE_BODY_WAIT_SECONDS = 5.0

# Behind a proxy all clients have one address.
_body_bytes_per_client = settings.WEB_BODY_BYTES // (
    4 if settings.TRUSTED_PROXIES <= 0 else 1
)

bridge = WsgiBridge(
    wsgi_application,
    ThreadStack(THREADS, THREAD_WAIT_SECONDS, MAX_WAITING_CALLS),
    LargeBodies(
        BodyMemory(settings.WEB_BODY_BYTES, _body_bytes_per_client),
        LargeBodyGate(LARGE_BODY_BYTES, LARGE_BODY_WAIT_SECONDS),
    ),
    find_body_limit,
    settings.WEB_REQUEST_SECONDS,
    threadless_paths=frozenset({"/healthz"}),
)
serve_front = ServeFront(bridge, prometheus.get_request_counter)
application = Lifespan(
    serve_front,
    [docs.prepare_document, web_process.start_serving],
    [web_process.stop_serving, serve_front.drain_counts],
)
read_head = serve_front.read_head
