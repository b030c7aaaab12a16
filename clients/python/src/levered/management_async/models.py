"""Models: what was learned, and training.

Written by generate.py; do not change it by hand.
"""

from collections.abc import AsyncIterator, Callable
from typing import cast

from levered import schemas
from levered.errors import LeveredError
from levered.management.api import AsyncApi
from levered.management.calls import build_path

POLL_SECONDS = 1.0
UNFINISHED = frozenset({"queued", "running"})
OnProgress = Callable[[schemas.TrainingRun], None]


class AsyncModels:
    """`/models`. All raise ApiError and NetworkError."""

    def __init__(self, api: AsyncApi) -> None:
        self._api = api

    def list(self) -> AsyncIterator[schemas.BanditModel]:
        """Yield all, page after page, newest first."""
        return self._api.iterate(build_path("models"), "models")

    async def get(self, model_id: object) -> schemas.BanditModel:
        """Return one."""
        return cast(
            "schemas.BanditModel", await self._api.get(build_path("models", model_id))
        )

    async def state(self, model_id: object) -> schemas.ModelState:
        """Return what was learned."""
        found = await self._api.get(build_path("models", model_id, "state"))
        return cast("schemas.ModelState", found)

    async def policy(self, model_id: object) -> schemas.Policy:
        """Return the table of probabilities that serves."""
        found = await self._api.get(build_path("models", model_id, "policy"))
        return cast("schemas.Policy", found)

    def versions(self, model_id: object) -> AsyncIterator[schemas.PolicyVersion]:
        """Yield what each policy version served, newest first."""
        path = build_path("models", model_id, "versions")
        return self._api.iterate(path, "versions")

    async def delete(self, model_id: object) -> None:
        """Delete a model that nothing uses."""
        await self._api.delete(build_path("models", model_id))

    async def train(
        self,
        model_id: object,
        *,
        bias: dict[str, float] | None = None,
        on_progress: OnProgress | None = None,
    ) -> schemas.TrainingRun:
        """Train and wait for the run to end; return it.

        `on_progress` is called with the run each second. Raise LeveredError with the
        reason if the run fails.
        """
        started = await self.start_training(model_id, bias=bias)
        return await self.wait_for(
            model_id, started["training_run_id"], on_progress=on_progress
        )

    async def start_training(
        self, model_id: object, *, bias: dict[str, float] | None = None
    ) -> schemas.TrainingResult:
        """Start a run, or join the one that runs, without waiting."""
        body = {"bias": bias} if bias else None
        path = build_path("models", model_id, "train")
        started = await self._api.post(path, body, Prefer="respond-async")
        return cast("schemas.TrainingResult", started)

    async def wait_for(
        self, model_id: object, run_id: object, *, on_progress: OnProgress | None = None
    ) -> schemas.TrainingRun:
        """Wait for a run to end; return it. Raise LeveredError if it fails."""
        while True:
            run = await self.run(model_id, run_id)
            if on_progress is not None:
                on_progress(run)
            if run["status"] not in UNFINISHED:
                break
            await self._api.sleep(POLL_SECONDS)
        if run["status"] != "succeeded":
            raise LeveredError(f"training {run['status']}: {run['error']}")
        return run

    async def run(self, model_id: object, run_id: object) -> schemas.TrainingRun:
        """Return a training run."""
        path = build_path("models", model_id, "training-runs", run_id)
        return cast("schemas.TrainingRun", await self._api.get(path))

    def runs(self, model_id: object) -> AsyncIterator[schemas.TrainingRun]:
        """Yield the training runs, newest first."""
        path = build_path("models", model_id, "training-runs")
        return self._api.iterate(path, "training_runs")

    async def cancel(self, model_id: object, run_id: object) -> schemas.TrainingRun:
        """Stop a training run."""
        path = build_path("models", model_id, "training-runs", run_id, "cancel")
        return cast("schemas.TrainingRun", await self._api.post(path))
