"""The loads of a comparison: what is asked of each server."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.serve.peers import EVALUATION_PATH
from benchmarks.serve.requests import NUMBER, RequestTemplate, build_template
from benchmarks.serve.rounds import Load
from benchmarks.serve.servers import Server
from benchmarks.serve.world import BATCH_SIZE, CONTEXT, DESIGN, World

KNOWN_USERS = 1_000
BATCH_DECISIONS = 10
OPEN_LOOP_RATE = 450.0
STORED_STRIDE = 100_003  # more users than a round serves


@dataclass(frozen=True, slots=True)
class Measured:
    """A running service, what it holds, and the name that its rows begin with."""

    name: str
    world: World

    @property
    def server(self) -> Server:
        """The service as a server under load."""
        service = self.world.service
        return Server(self.name, service.port, (service.process_id,))


def list_service_loads(measured: Measured) -> list[Load]:
    """Return the loads that every version of the service answers."""
    first = build_first_serves(measured)
    return [
        first,
        _build_known_users(measured),
        _build_dry_runs(measured),
        *_build_reads(measured),
        *_build_ingests(measured),
        replace(first, name=f"{measured.name} first serve 450/s", rate=OPEN_LOOP_RATE),
    ]


def list_optional_loads(measured: Measured) -> tuple[list[Load], list[str]]:
    """Return the loads of newer endpoints, and a sentence for each that is absent."""
    loads, notes = [], []
    if measured.world.has_record_field():
        loads.append(
            _build_serves(measured, "no write", lambda n: f"w{n}", record=False)
        )
    else:
        notes.append("no write: left out, this version records every decision")
    if measured.world.has_best_variants():
        loads.append(_build_best_variants(measured))
    else:
        notes.append("best-variants: left out, this version has no such endpoint")
    return loads, notes


def build_first_serves(measured: Measured, name: str = "first serve") -> Load:
    """Return the load of users that the service never saw."""
    return _build_serves(measured, name, lambda number: f"f{number}")


def build_stored_users(measured: Measured, suffix: str, stored: int) -> Load:
    """Return the load of users who were written into the database by hand.

    Their ids are a number below `stored` as templates write it, and the suffix.
    """
    path = f"/api/v2/optimizations/{measured.world.optimization_id}/serve"

    def build(number: int) -> RequestTemplate:
        body = {"anonymous_id": NUMBER + suffix, "context": CONTEXT}
        first = number * STORED_STRIDE
        return build_template("POST", path, body, first=first, modulo=stored)

    return Load(f"{measured.name} stored user", measured.server, build)


def list_bare_loads(server: Server) -> list[Load]:
    """Return the loads of the floor: a request of the same size as a serve."""
    path = f"/api/v2/optimizations/{uuid.UUID(int=0)}/serve"
    closed = Load(server.name, server, _build_template_factory(path, lambda n: f"{n}"))
    return [closed, replace(closed, name=f"{server.name} 450/s", rate=OPEN_LOOP_RATE)]


def list_growthbook_loads(server: Server) -> list[Load]:
    """Return the loads of the peer: fresh users, with the context as attributes."""
    run = uuid.uuid4().hex[:8]

    def build(number: int) -> RequestTemplate:
        attributes = {"id": f"{NUMBER}-{run}-{number}", **CONTEXT}
        return build_template("POST", EVALUATION_PATH, {"attributes": attributes})

    closed = Load(server.name, server, build)
    return [closed, replace(closed, name=f"{server.name} 450/s", rate=OPEN_LOOP_RATE)]


def _build_serves(
    measured: Measured,
    name: str,
    choose_suffix: Callable[[int], str],
    modulo: int = 0,
    **fields: Any,
) -> Load:
    path = f"/api/v2/optimizations/{measured.world.optimization_id}/serve"
    factory = _build_template_factory(path, choose_suffix, modulo, **fields)
    return Load(f"{measured.name} {name}", measured.server, factory)


def _build_template_factory(
    path: str, choose_suffix: Callable[[int], str], modulo: int = 0, **fields: Any
) -> Callable[[int], RequestTemplate]:
    run = uuid.uuid4().hex[:8]

    def build(number: int) -> RequestTemplate:
        user = f"{NUMBER}-{run}-{choose_suffix(number)}"
        body = {"anonymous_id": user, "context": CONTEXT, **fields}
        return build_template("POST", path, body, modulo=modulo)

    return build


def _build_known_users(measured: Measured) -> Load:
    """Return the load of users whom the warm-up served before."""
    return _build_serves(measured, "known user", lambda _: "k", KNOWN_USERS)


def _build_dry_runs(measured: Measured) -> Load:
    return _build_serves(measured, "dry run", lambda n: f"d{n}", dry_run=True)


def _build_best_variants(measured: Measured) -> Load:
    ids = measured.world.optimization_ids[:BATCH_DECISIONS]
    factory = _build_template_factory(
        "/api/v2/optimizations/best-variants",
        lambda number: f"b{number}",
        optimization_ids=ids,
    )
    name = f"{measured.name} best-variants, decisions"
    return Load(name, measured.server, factory, units=len(ids))


def _build_reads(measured: Measured) -> list[Load]:
    world = measured.world
    headers = {"Authorization": f"Bearer {world.token}"}
    path = f"/api/v2/optimizations/{world.optimization_id}"
    health = build_template("GET", "/healthz")
    read = build_template("GET", path, headers=headers)
    return [
        Load(f"{measured.name} /healthz", measured.server, lambda _: health),
        Load(f"{measured.name} authenticated GET", measured.server, lambda _: read),
    ]


def _build_ingests(measured: Measured) -> list[Load]:
    """Return the loads of batches of events, over one connection and over four."""
    exposure: dict[str, Any] = {
        "optimization_id": measured.world.optimization_id,
        "variant": {name: levels[0] for name, levels in DESIGN.items()},
        "context": CONTEXT,
    }
    kinds: dict[str, dict[str, Any]] = {
        "exposures": exposure,
        "rewards": {"name": "signup"},
    }
    return [
        Load(
            f"{measured.name} ingest {kind}, {connections}",
            measured.server,
            _build_ingest_factory(measured, kind, event),
            connections=connections,
            units=BATCH_SIZE,
        )
        for kind, event in kinds.items()
        for connections in (1, 4)
    ]


def _build_ingest_factory(
    measured: Measured, kind: str, event: dict[str, Any]
) -> Callable[[int], RequestTemplate]:
    run = uuid.uuid4().hex[:8]
    headers = {"Authorization": f"Bearer {measured.world.key}"}

    def build(number: int) -> RequestTemplate:
        ids = (f"{NUMBER}-{run}-{number}-{index}" for index in range(BATCH_SIZE))
        events = [{**event, "anonymous_id": i, "idempotency_key": i} for i in ids]
        path = f"/api/v2/ingest/{kind}"
        return build_template("POST", path, {"events": events}, headers=headers)

    return build
