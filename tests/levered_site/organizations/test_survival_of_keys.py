"""How long a revoked key survives in the worker processes of the running service."""

import threading
import time

import httpx
import pytest

from tests.support.running_service import Service, issue_token, until

PROMISED_SECONDS = 5.0
CLIENTS = 4


@pytest.fixture
def service(shared_service: Service) -> Service:
    """Return the service whose key is revoked."""
    return shared_service


def test_no_worker_process_takes_a_revoked_key_after_5_seconds(
    service: Service,
) -> None:
    api = f"http://127.0.0.1:{service.port}/api/v2"
    admin = {"Authorization": f"Bearer {issue_token(service.home)}"}
    body = {"label": "leaked", "scopes": ["read"]}
    key = httpx.post(f"{api}/api-keys", json=body, headers=admin, timeout=30).json()
    statuses: list[tuple[float, int]] = []
    stop = threading.Event()

    def send_requests() -> None:
        while not stop.is_set():
            sent_at = time.monotonic()
            # A connection each, so that every worker gets some.
            answer = httpx.get(
                f"{api}/me", headers={"X-API-Key": key["secret"]}, timeout=30
            )
            statuses.append((sent_at, answer.status_code))

    threads = [threading.Thread(target=send_requests) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    until(lambda: len(statuses) > 10 * CLIENTS, 20)
    time.sleep(1)  # some were sent long before the revocation
    httpx.delete(f"{api}/api-keys/{key['id']}", headers=admin, timeout=30)
    revoked_at = time.monotonic()
    time.sleep(PROMISED_SECONDS)
    requests_before = len(statuses)
    until(lambda: len(statuses) > requests_before + 10 * CLIENTS, 20)
    stop.set()
    for thread in threads:
        thread.join()

    before = {status for sent_at, status in statuses if sent_at < revoked_at - 0.5}
    late = [
        status
        for sent_at, status in statuses
        if sent_at > revoked_at + PROMISED_SECONDS
    ]
    assert 200 in before
    assert len(late) > CLIENTS
    assert set(late) == {401}
