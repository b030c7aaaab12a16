"""Models: what was learned, and training."""

from collections.abc import Callable, Iterator
from typing import cast

from levered import schemas
from levered.errors import LeveredError
from levered.management.api import Api
from levered.management.calls import build_path

POLL_SECONDS = 1.0
UNFINISHED = frozenset({"queued", "running"})
OnProgress = Callable[[schemas.TrainingRun], None]


class Models:
    """`/models`. All raise ApiError and NetworkError."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[schemas.BanditModel]:
        """Yield all, page after page, newest first."""
        return self._api.iterate(build_path("models"), "models")

    def get(self, model_id: object) -> schemas.BanditModel:
        """Return one."""
        return cast(
            "schemas.BanditModel", self._api.get(build_path("models", model_id))
        )

    def state(self, model_id: object) -> schemas.ModelState:
        """Return what was learned."""
        found = self._api.get(build_path("models", model_id, "state"))
        return cast("schemas.ModelState", found)

    def policy(self, model_id: object) -> schemas.Policy:
        """Return the table of probabilities that serves."""
        found = self._api.get(build_path("models", model_id, "policy"))
        return cast("schemas.Policy", found)

    def versions(self, model_id: object) -> Iterator[schemas.PolicyVersion]:
        """Yield what each policy version served, newest first."""
        path = build_path("models", model_id, "versions")
        return self._api.iterate(path, "versions")

    def delete(self, model_id: object) -> None:
        """Delete a model that nothing uses."""
        self._api.delete(build_path("models", model_id))

    def train(
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
        started = self.start_training(model_id, bias=bias)
        return self.wait_for(
            model_id, started["training_run_id"], on_progress=on_progress
        )

    def start_training(
        self, model_id: object, *, bias: dict[str, float] | None = None
    ) -> schemas.TrainingResult:
        """Start a run, or join the one that runs, without waiting."""
        body = {"bias": bias} if bias else None
        path = build_path("models", model_id, "train")
        started = self._api.post(path, body, Prefer="respond-async")
        return cast("schemas.TrainingResult", started)

    def wait_for(
        self, model_id: object, run_id: object, *, on_progress: OnProgress | None = None
    ) -> schemas.TrainingRun:
        """Wait for a run to end; return it. Raise LeveredError if it fails."""
        while True:
            run = self.run(model_id, run_id)
            if on_progress is not None:
                on_progress(run)
            if run["status"] not in UNFINISHED:
                break
            self._api.sleep(POLL_SECONDS)
        if run["status"] != "succeeded":
            raise LeveredError(f"training {run['status']}: {run['error']}")
        return run

    def run(self, model_id: object, run_id: object) -> schemas.TrainingRun:
        """Return a training run."""
        path = build_path("models", model_id, "training-runs", run_id)
        return cast("schemas.TrainingRun", self._api.get(path))

    def runs(self, model_id: object) -> Iterator[schemas.TrainingRun]:
        """Yield the training runs, newest first."""
        path = build_path("models", model_id, "training-runs")
        return self._api.iterate(path, "training_runs")

    def cancel(self, model_id: object, run_id: object) -> schemas.TrainingRun:
        """Stop a training run."""
        path = build_path("models", model_id, "training-runs", run_id, "cancel")
        return cast("schemas.TrainingRun", self._api.post(path))
