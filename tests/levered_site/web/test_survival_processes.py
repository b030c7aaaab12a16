"""Processes of the running web server: killed, stopped and drained."""

import os
import signal
import threading
import time

import httpx
import psutil
import pytest

from tests.support.raw_http import GET_HEALTH, build_post, connect, read_responses
from tests.support.running_service import (
    PATIENCE,
    Service,
    until,
    works,
)


@pytest.fixture(scope="module")
def service(shared_service: Service) -> Service:
    """Return the service whose processes the tests of this module hurt."""
    return shared_service


def find_manager(service: Service) -> psutil.Process:
    """Return the manager of the web processes."""
    manager = service.part("web")
    assert manager
    return manager


def list_workers(service: Service) -> set[int]:
    """Return the ids of the web processes; wait until both are there."""
    until(lambda: len(find_manager(service).children()) == 2, 20)
    return {each.pid for each in find_manager(service).children()}


def choose_victim(service: Service) -> int:
    """Return the id of the older web process: it has started, the other may not have.

    A process that is starting has two minutes until it is thought to hang. Ids do not
    tell which one is older: they begin again at the machine's highest one.
    """
    list_workers(service)
    workers = find_manager(service).children()
    return min(workers, key=psutil.Process.create_time).pid


def is_answered(service: Service) -> bool:
    """Return whether a new connection gets a response in good time."""
    try:
        url = f"http://127.0.0.1:{service.port}/healthz"
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def test_a_killed_worker_is_replaced_while_the_other_one_serves(
    service: Service,
) -> None:
    until(service.is_ready, 20)
    workers = list_workers(service)
    victim = choose_victim(service)

    os.kill(victim, signal.SIGKILL)

    until(lambda: victim not in list_workers(service), 5)
    for _ in range(20):
        until(lambda: is_answered(service), 5)
    assert workers - {victim} < list_workers(service)


def test_a_stopped_worker_is_replaced_while_the_other_one_serves(
    service: Service,
) -> None:
    until(service.is_ready, 20)
    workers = list_workers(service)
    victim = choose_victim(service)

    os.kill(victim, signal.SIGSTOP)

    until(lambda: is_answered(service), 5)
    until(lambda: victim not in list_workers(service), 20)
    assert workers - {victim} < list_workers(service)
    until(lambda: is_answered(service), 5)


def test_a_deaf_web_server_is_replaced(service: Service) -> None:
    """Nothing in it runs any more, and its port still accepts connections."""
    until(service.is_ready, 20)
    time.sleep(10)  # the supervisor has had its first answer
    manager = find_manager(service)
    processes = [manager, *manager.children()]

    for process in processes:
        process.suspend()

    until(lambda: not any(map(works, processes)), 60)
    until(service.is_ready, 30)


def test_a_stop_lets_running_requests_finish(service: Service) -> None:
    until(service.is_ready, 20)
    list_workers(service)
    manager = find_manager(service)
    connections = [connect(service.port) for _ in range(50)]
    for connection in connections:
        connection.sendall(build_post(2, b"{"))
    idle = connect(service.port)
    idle.sendall(GET_HEALTH)
    time.sleep(1)  # the requests have reached the web processes

    manager.terminate()
    time.sleep(0.5)
    for connection in connections:
        connection.sendall(b"}")
    responses = [read_responses(each) for each in connections]

    assert {len(each) for each in responses} == {1}
    assert {each[0].status for each in responses} == {400}
    assert [each.status for each in read_responses(idle)] == [200]
    until(lambda: not works(manager), 20)
    for connection in (*connections, idle):
        connection.close()


def test_a_stop_cuts_no_client_that_opens_a_connection_per_request(
    service: Service,
) -> None:
    """Until the port is closed every request that was taken is answered."""
    until(service.is_ready, 20)
    list_workers(service)
    manager = find_manager(service)
    is_over = threading.Event()
    outcomes: list[str] = []

    def send_requests() -> None:
        while not is_over.is_set():
            try:
                with connect(service.port) as connection:
                    connection.sendall(GET_HEALTH.replace(b"1.1", b"1.0"))
                    (response,) = read_responses(connection)
                    outcomes.append(str(response.status))
            except ConnectionRefusedError:
                return
            except (OSError, ValueError) as error:
                outcomes.append(repr(error))

    threads = [threading.Thread(target=send_requests) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    manager.terminate()
    until(lambda: not works(manager), 20)
    is_over.set()
    for thread in threads:
        thread.join(10 * PATIENCE)

    assert outcomes.count("200") > 10
    assert set(outcomes) == {"200"}


def test_the_workers_of_a_killed_manager_end(service: Service) -> None:
    until(service.is_ready, 20)
    list_workers(service)
    manager = find_manager(service)
    workers = manager.children()

    manager.kill()

    until(lambda: not any(map(works, workers)), 15)
    until(service.is_ready, 30)
