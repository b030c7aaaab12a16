"""Whatever others push into the broker, the worker drops it and goes on."""

import base64
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import _state
from celery.beat import Scheduler
from django.db import connection
from pytest_django import Settings

from levered_site import broker_messages
from levered_site.celery import TASK_INTERVALS, app
from levered_site.local import embedded
from tests.support.running_service import ROOT, until
from tests.support.spare_valkey import run_spare_valkey

pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = "levered:celery"
KNOWN_TASK = "optimizations.ask_warehouse"
Change = Callable[[dict[str, Any]], object]


class Worker:
    """A Celery worker of its own on a broker of its own, with what it logged."""

    def __init__(self, process: "subprocess.Popen[str]", broker: redis.Redis) -> None:
        self.process = process
        self.broker = broker
        self.lines: list[str] = []
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout
        with self.process.stdout as output:
            self.lines.extend(output)  # one by one, as they come

    def count(self, text: str) -> int:
        """Return how many logged lines hold a text."""
        return sum(text in line for line in list(self.lines))

    def push(self, *entries: bytes) -> None:
        """Push entries into the queue, and wait until all are gone."""
        for entry in entries:
            self.broker.lpush(QUEUE, entry)
        until(self.is_idle, 5)

    def is_idle(self) -> bool:
        """Return whether no entry waits, and none is unacknowledged."""
        assert self.process.poll() is None, "".join(self.lines)
        return not (self.broker.llen(QUEUE) or self.broker.hlen("levered:unacked"))

    def works(self) -> bool:
        """Return whether it still executes a task, which it acknowledges at its end."""
        self.push(build_entry())
        return True

    def is_reading(self) -> bool:
        """Return whether it waits for entries of the queue."""
        assert self.process.poll() is None, "".join(self.lines)
        return any(client["cmd"] == "brpop" for client in self.broker.client_list())


@contextmanager
def run_worker(url: str) -> Iterator[Worker]:
    """Run a worker of one process on a Valkey."""
    name = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        "REDIS_URL": url,
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/levered?", f"/{name}?"),
    }
    command = "-m celery --quiet -A levered_site.celery worker --concurrency 1"
    process = subprocess.Popen(
        [sys.executable, *command.split(), "--without-gossip", "--without-mingle"],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with redis.Redis.from_url(url.replace("db=0", "db=1")) as broker:
        worker = Worker(process, broker)
        try:
            until(worker.is_reading, 15)
            yield worker
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()
            worker.listener.join(30)
            sys.stdout.writelines(worker.lines)  # pytest shows it after a failure


@pytest.fixture
def worker(tmp_path: Path, settings: Settings) -> Iterator[Worker]:
    """Run a worker on a Valkey of the test's own."""
    with run_spare_valkey(tmp_path / "home") as valkey, run_worker(valkey.url) as it:
        yield it


def build_entry(change: Change | None = None, **headers: object) -> bytes:
    """Build what Celery pushes for a known task; change it before it is encoded."""
    body = json.dumps([[str(uuid.uuid4())], {}, {}])
    entry: dict[str, Any] = {
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": KNOWN_TASK, "id": str(uuid.uuid4()), "lang": "py"}
        | headers,
        "properties": {
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "celery"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
    if change is not None:
        change(entry)
    return json.dumps(entry).encode()


def encode(body: object) -> str:
    """Encode a body."""
    return base64.b64encode(json.dumps(body).encode()).decode()


def _set_body(body: str, entry: dict[str, Any]) -> None:
    entry["body"] = body


UNREADABLE = (
    *(b"rubbish", b"\xff\xfe\x00", b"", b"{", b"nan", b"[" * 100_000),
    b'{"__type__": "datetime", "__value__": 5}',
    b'{"__type__": ["a"], "__value__": 5}',
    b'{"__type__": "decimal", "__value__": "x"}',
)
NO_ENVELOPES = (
    *(b"5", b"null", b"[]", b"{}", b'"text"', b'{"properties": {}}'),
    build_entry(lambda entry: entry.pop("properties")),
    build_entry(lambda entry: entry.update(headers=["task"])),
    build_entry(lambda entry: entry.update(body=5)),
    build_entry(lambda entry: entry.update(body="%%%not base64", properties=7)),
    build_entry(lambda entry: entry["properties"].pop("delivery_tag")),
    build_entry(lambda entry: entry["properties"].update(delivery_tag=["a"])),
    build_entry(lambda entry: entry["properties"].update(delivery_info="x")),
    build_entry(lambda entry: entry["properties"].update(body_encoding="rot13")),
    build_entry(lambda entry: entry.update({"content-type": 5})),
)
NO_TASKS = (
    build_entry(task="optimizations.unknown"),
    *(build_entry(task=["a"]), build_entry(task=None), build_entry(id={"a": 1})),
    build_entry(lambda entry: entry["headers"].clear()),
    build_entry(lambda entry: entry.update({"content-type": "application/x-pickle"})),
    build_entry(
        lambda entry: entry.update({"content-type": "application/x-python-serialize"})
    ),
    build_entry(lambda entry: entry.update({"content-encoding": "none-such"})),
    build_entry(lambda entry: entry.update(body=encode("text"))),
    build_entry(eta="no time"),
    build_entry(expires=["a"]),
    *(build_entry(timelimit=5), build_entry(timelimit=["5", 5])),
    build_entry(compression="application/x-gzip"),
    *(build_entry(retries="2"), build_entry(root_id=["a"]), build_entry(argsrepr=5)),
    *(build_entry(eta="9999-12-31T23:59:59"), build_entry(expires="no time")),
)
BAD_ARGUMENTS: tuple[Any, ...] = (
    *([["no uuid"], {}, {}], [[], {}, {}], [[1, 2, 3], {}, {}]),
    *([[None], {"a": 1}, {}], [[["a"]], {}, {"callbacks": None}]),
)
NO_BODIES: tuple[Any, ...] = (
    *([["a"], [], {}], [], {}, 5, None, [["a"], {}, None], [{}, {}, {}]),
    *([["a"], {}, {"callbacks": 5}], [["a"], {}, {"chain": [{"task": "a"}]}]),
)


def test_the_worker_drops_what_is_no_task_and_goes_on(worker: Worker) -> None:
    assert worker.works()
    pid = worker.process.pid

    worker.push(*UNREADABLE)
    worker.push(*NO_ENVELOPES)
    assert worker.works()
    worker.push(*NO_TASKS)
    assert worker.works()
    for body in (*BAD_ARGUMENTS, *NO_BODIES):
        worker.push(build_entry(partial(_set_body, encode(body))))

    assert worker.works()
    assert worker.process.pid == pid
    assert worker.process.poll() is None
    assert worker.count('"unreadable"') == len(UNREADABLE)
    assert worker.count('"no_envelope"') == len(NO_ENVELOPES)
    assert worker.count('"no_task"') == len((*NO_TASKS, *NO_BODIES))


def test_unacknowledged_entries_that_cannot_be_read_are_dropped(
    tmp_path: Path,
) -> None:
    """kombu gives the old ones back when a worker begins to read, and now and then."""
    entries = (*UNREADABLE, *NO_ENVELOPES, b'["a", "b", "c"]')
    with run_spare_valkey(tmp_path / "home") as valkey:
        with redis.Redis.from_url(valkey.url.replace("db=0", "db=1")) as broker:
            for number, entry in enumerate(entries):
                broker.hset("levered:unacked", str(number), entry)
                broker.zadd("levered:unacked_index", {str(number): number + 1})
        with run_worker(valkey.url) as worker:
            until(worker.is_idle, 10)
            assert worker.works()
            assert worker.count('"unreadable"') >= len(UNREADABLE)


def test_keys_of_another_type_in_place_of_the_queue_are_removed(worker: Worker) -> None:
    worker.broker.set(QUEUE, "rubbish")
    until(lambda: worker.broker.type(QUEUE) == b"none", 5)
    assert worker.works()

    worker.broker.set("levered:unacked", "rubbish")
    worker.broker.rpush("levered:unacked_index", "rubbish")
    worker.broker.lpush(QUEUE, build_entry())
    until(lambda: worker.broker.type("levered:unacked") != b"string", 5)

    assert worker.works()
    assert worker.count('"wrong_type"') == 3


def test_bindings_that_are_none_stop_no_task(tmp_path: Path) -> None:
    with run_spare_valkey(tmp_path / "home") as valkey:
        with redis.Redis.from_url(valkey.url.replace("db=0", "db=1")) as broker:
            broker.sadd("levered:_kombu.binding.celery", "rubbish", b"\xff\x00")
        url = embedded.build_broker_url(valkey.url)
        with app.connection_for_write(url) as sender, run_worker(valkey.url) as worker:
            task: Any = app.tasks[KNOWN_TASK]
            choices: tuple[dict[str, Any], ...] = ({}, {"expires": 60.0})
            for options in choices:
                arguments = (str(uuid.uuid4()),)
                task.apply_async(arguments, connection=sender, **options)
                app.send_task(KNOWN_TASK, arguments, connection=sender, **options)
            until(worker.is_idle, 5)
            assert worker.count("message_dropped") == 0


def test_a_worker_accepts_all_that_the_clock_and_another_task_send(
    tmp_path: Path,
) -> None:
    """With the time limits of our settings, a beat's header, and the sender's ids."""
    with run_spare_valkey(tmp_path / "home") as valkey:
        url = embedded.build_broker_url(valkey.url)
        with app.connection_for_write(url) as sender:
            clock = Scheduler(app)
            producer = app.amqp.Producer(sender, auto_declare=False)
            entries = [clock.schedule[name] for name in TASK_INTERVALS]
            for entry in entries:
                clock.apply_async(entry, producer=producer)
            send_from_within_a_task(sender)
        with redis.Redis.from_url(valkey.url.replace("db=0", "db=1")) as broker:
            sent = [
                json.loads(entry)["headers"] for entry in broker.lrange(QUEUE, 0, -1)
            ]
        with run_worker(valkey.url) as worker:
            until(worker.is_idle, 60)
            assert worker.works()
            assert worker.count("message_dropped") == 0

    sent_by_clock = {header["task"] for header in sent if "celery_beat_task" in header}
    assert sent_by_clock == set(TASK_INTERVALS)
    assert all(header["timelimit"] == [5400, 5100] for header in sent)
    assert [header["parent_id"] for header in sent if header["parent_id"]] == ["b"] * 2


def send_from_within_a_task(sender: Any) -> None:
    """Send tasks as a worker does that executes another one."""
    task: Any = app.tasks["optimizations.reap_training_runs"]
    arguments = (str(uuid.uuid4()),)
    stack: Any = vars(_state)["_task_stack"]  # its stub lacks it
    stack.push(task)
    task.push_request(id="b", root_id="a", called_directly=False)
    try:
        for name in (KNOWN_TASK, "optimizations.train"):
            app.send_task(name, arguments, connection=sender)
    finally:
        task.pop_request()
        stack.pop()


@pytest.mark.parametrize("entry", NO_ENVELOPES)
def test_entries_that_kombu_cannot_make_a_message_of_are_no_envelopes(
    entry: bytes,
) -> None:
    assert not broker_messages.is_envelope(json.loads(entry))
    assert broker_messages.is_envelope(json.loads(build_entry()))


def test_a_channel_of_a_closed_connection_fails_as_one_that_is_lost() -> None:
    with app.connection_for_read() as broker:
        channel: Any = broker.channel()
        transport: Any = broker.transport
        lost = broker.connection_errors
        transport.client = None  # as kombu leaves it when it closes

        with pytest.raises(lost, match="connection to the broker was closed"):
            channel._create_client()


def test_a_worker_survives_a_killed_broker(tmp_path: Path, settings: Settings) -> None:
    with (
        run_spare_valkey(tmp_path / "home") as valkey,
        run_worker(valkey.url) as worker,
    ):
        for _ in range(3):
            valkey.kill()
            valkey.start()
            until(lambda: _answers(worker.is_reading), 30)
            assert worker.works()

        assert worker.count("AttributeError") == 0


def _answers(ask: Callable[[], bool]) -> bool:
    with suppress(redis.RedisError):
        return ask()
    return False
