"""The clients of a soak, one thread each: they serve, repeat, send events, bar, train."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.serve.world import World
from benchmarks.soak.client import Client, NotAcknowledgedError, Reply
from benchmarks.soak.journal import Answer, Bar, Journal

EVENTS_PER_BATCH = 10
REPEATED_BATCHES = 0.2  # the share of batches that are sent again after success
BAR_SECONDS = (2.0, 5.0)
TRAIN_SECONDS = 10.0
SHARED_USERS_A_SECOND = 20
VARIANTS_TO_BAR = (2, 3, 4)  # the baseline cannot be disabled
DEVICES = ("mobile", "desktop", "watch")
COUNTRIES = ("de", "us", "fr", None)
Action = Callable[[Client, np.random.Generator, int], None]


@dataclass(slots=True)
class Traffic:
    """The threads that send requests until they are told to stop."""

    world: World
    journal: Journal
    seed: int
    is_over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Start the threads."""
        actions: list[Action] = [
            *[self._serve_new_user] * 3,
            *[self._serve_known_user] * 2,
            *[self._serve_shared_user] * 2,
            self._send_rewards,
            self._send_exposures,
            self._bar_variant,
            self._train,
        ]
        if self.world.has_best_variants():
            actions.append(self._serve_both)
        if self.world.has_record_field():
            actions.append(self._serve_unrecorded)
        for number, action in enumerate(actions):
            thread = threading.Thread(
                target=self._repeat, args=(action, number), daemon=True
            )
            self.threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Let every thread finish what it is doing."""
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def _repeat(self, action: Action, number: int) -> None:
        client = Client(self.world.service.port, self.journal)
        rng = np.random.default_rng([self.seed, number])
        turn = 0
        while not self.is_over.is_set():
            turn += 1
            try:
                action(client, rng, number * 10**8 + turn)
            except NotAcknowledgedError as error:
                self.journal.wrong_answers.append(str(error))
        client.close()

    def _serve_new_user(
        self, client: Client, rng: np.random.Generator, turn: int
    ) -> None:
        self._serve(client, rng, f"soak-{turn}")

    def _serve_known_user(
        self, client: Client, rng: np.random.Generator, _turn: int
    ) -> None:
        answers = self.journal.answers
        if not answers:
            time.sleep(0.1)
            return
        self._serve(client, rng, answers[rng.integers(len(answers))].user)

    def _serve_shared_user(
        self, client: Client, rng: np.random.Generator, _turn: int
    ) -> None:
        """Serve a user whom another thread serves at the same moment."""
        self._serve(client, rng, f"shared-{time.time() * SHARED_USERS_A_SECOND:.0f}")

    def _serve_both(self, client: Client, rng: np.random.Generator, turn: int) -> None:
        """Serve one user of two optimizations in one request."""
        user = f"both-{turn}"
        body = {
            "anonymous_id": user,
            "context": _draw_context(rng),
            "optimization_ids": self.world.optimization_ids[:2],
        }
        path = "/optimizations/best-variants"
        reply = client.send_until_acknowledged("POST", path, body)
        for decision in reply.body["decisions"]:
            if "error" in decision:
                continue  # the client would ask again; the user may be stored or not
            is_first = decision["optimization_id"] == self.world.optimization_id
            answers = self.journal.answers if is_first else self.journal.other_answers
            answers.append(_build_answer(user, reply, decision))

    def _serve_unrecorded(
        self, client: Client, rng: np.random.Generator, turn: int
    ) -> None:
        user = f"unrecorded-{turn}"
        body = {"anonymous_id": user, "context": _draw_context(rng), "record": False}
        path = f"/optimizations/{self.world.optimization_id}/serve"
        client.send_until_acknowledged("POST", path, body)
        self.journal.unrecorded.append(user)

    def _serve(self, client: Client, rng: np.random.Generator, user: str) -> None:
        body = {"anonymous_id": user, "context": _draw_context(rng)}
        path = f"/optimizations/{self.world.optimization_id}/serve"
        reply = client.send_until_acknowledged("POST", path, body)
        self.journal.answers.append(_build_answer(user, reply, reply.body))

    def _send_rewards(
        self, client: Client, rng: np.random.Generator, turn: int
    ) -> None:
        answers = self.journal.answers
        if not answers:
            time.sleep(0.1)
            return
        values = [turn * 100 + index for index in range(EVENTS_PER_BATCH)]
        events = [
            {
                "anonymous_id": answers[rng.integers(len(answers))].user,
                "name": "signup",
                "value": value,
                "idempotency_key": f"reward-{value}",
            }
            for value in values
        ]
        self._send_events(client, rng, "rewards", events)
        self.journal.rewards += values

    def _send_exposures(
        self, client: Client, rng: np.random.Generator, turn: int
    ) -> None:
        users = [f"exposed-{turn}-{index}" for index in range(EVENTS_PER_BATCH)]
        events = [
            {
                "anonymous_id": user,
                "optimization_id": self.world.optimization_id,
                "variant": {"headline": "a", "color": "red"},
                "idempotency_key": f"exposure-{user}",
            }
            for user in users
        ]
        self._send_events(client, rng, "exposures", events)
        self.journal.exposures += users

    def _send_events(
        self,
        client: Client,
        rng: np.random.Generator,
        kind: str,
        events: list[dict[str, Any]],
    ) -> None:
        repeats = 2 if rng.random() < REPEATED_BATCHES else 1
        for _ in range(repeats):
            reply = client.send_until_acknowledged(
                "POST", f"/ingest/{kind}", {"events": events}, self.world.key
            )
            if reply.body["accepted"] + reply.body["duplicates"] != len(events):
                self.journal.wrong_answers.append(f"ingest {kind}: {reply.body}")

    def _bar_variant(
        self, client: Client, rng: np.random.Generator, _turn: int
    ) -> None:
        number = int(rng.choice(VARIANTS_TO_BAR))
        bar = Bar(number, time.time())
        self.journal.bars.append(bar)
        reply = self._enable(client, number, is_enabled=False)
        bar.confirmed_at = reply.received_at
        self.is_over.wait(rng.uniform(*BAR_SECONDS))
        bar.lifted_at = time.time()
        self._enable(client, number, is_enabled=True)
        self.is_over.wait(rng.uniform(*BAR_SECONDS))

    def _enable(self, client: Client, number: int, *, is_enabled: bool) -> Reply:
        return client.send_until_acknowledged(
            "PATCH",
            f"/optimizations/{self.world.optimization_id}/variants/{number}",
            {"enabled": is_enabled},
            self.world.token,
        )

    def _train(self, client: Client, _rng: np.random.Generator, _turn: int) -> None:
        reply = client.send_until_acknowledged(
            "POST", f"/models/{self.world.model_id}/train", None, self.world.token
        )
        self.journal.training_run_ids.append(reply.body["training_run_id"])
        self.is_over.wait(TRAIN_SECONDS)


def _draw_context(rng: np.random.Generator) -> dict[str, str]:
    context = {"device": DEVICES[rng.integers(len(DEVICES))]}
    if country := COUNTRIES[rng.integers(len(COUNTRIES))]:
        context["country"] = country
    return context


def _build_answer(user: str, reply: Reply, decision: dict[str, Any]) -> Answer:
    return Answer(
        user,
        reply.sent_at,
        reply.received_at,
        decision["variant_number"],
        decision["policy_version"],
        decision["timestamp"],
    )
