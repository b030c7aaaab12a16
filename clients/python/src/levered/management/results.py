"""What came of an optimization."""

from collections.abc import Iterator
from typing import Any, Literal, Unpack, cast

from levered import schemas
from levered.management.api import Api
from levered.management.calls import build_path
from levered.notebook import OptimizationResults

# What can be evaluated instead of the policy that served.
Target = dict[str, int] | Literal["without_context", "candidate"]


class ResultReadings:
    """`/optimizations/:id/…`. All raise ApiError and NetworkError.

    `refresh` counts in the warehouse first.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(
        self, optimization_id: object, *, refresh: bool = False, sql: bool = False
    ) -> OptimizationResults:
        """Return lift, variants and what the model learned."""
        path = _build_path(optimization_id, "results")
        return OptimizationResults(
            cast(
                "schemas.Results",
                self._api.get(path, refresh=refresh or None, sql=sql or None),
            )
        )

    def progress(
        self, optimization_id: object, *, refresh: bool = False
    ) -> schemas.Progress:
        """Return how far it is, and when it may be decided."""
        path = _build_path(optimization_id, "progress")
        return cast("schemas.Progress", self._api.get(path, refresh=refresh or None))

    def guardrails(
        self, optimization_id: object, *, refresh: bool = False
    ) -> schemas.GuardrailList:
        """Return the guardrail metrics, arm against arm."""
        path = _build_path(optimization_id, "guardrails")
        return cast(
            "schemas.GuardrailList", self._api.get(path, refresh=refresh or None)
        )

    def lift_history(self, optimization_id: object) -> schemas.LiftHistory:
        """Return the lift of each day, as it was published that day."""
        found = self._api.get(_build_path(optimization_id, "lift-history"))
        return cast("schemas.LiftHistory", found)

    def lift_curve(self, optimization_id: object) -> schemas.LiftCurve:
        """Return the measured lift of each day with both intervals, to draw it."""
        found = self._api.get(_build_path(optimization_id, "lift-curve"))
        return cast("schemas.LiftCurve", found)

    def holdout_daily(
        self, optimization_id: object, *, refresh: bool = False
    ) -> schemas.HoldoutDaily:
        """Return the sums of both arms by day."""
        path = _build_path(optimization_id, "holdout-daily")
        found = self._api.get(path, refresh=refresh or None)
        return cast("schemas.HoldoutDaily", found)

    def outcome_mix(self, optimization_id: object) -> Iterator[schemas.OutcomeMixRow]:
        """Yield the users of each day, arm, variant, context and outcome."""
        path = _build_path(optimization_id, "outcome-mix")
        return self._api.iterate(path, "rows", limit=10_000)

    def observations(self, optimization_id: object) -> Iterator[schemas.Observation]:
        """Yield the cells of the observation cube, newest day first."""
        return self._api.iterate(
            _build_path(optimization_id, "observations"), "observations"
        )

    def report_data(
        self, optimization_id: object, *, refresh: bool = False
    ) -> schemas.ReportData:
        """Return everything in one document."""
        path = _build_path(optimization_id, "report-data")
        return cast("schemas.ReportData", self._api.get(path, refresh=refresh or None))

    def evaluate(
        self, optimization_id: object, policy: Target, **versions: int
    ) -> schemas.PolicyEvaluation:
        """Return what another policy would have earned.

        `policy` is `{"variant": n}`, `{"version": n}`, `without_context` or `candidate`.
        """
        body = {"policy": policy, **versions}
        evaluated = self._api.post(_build_path(optimization_id, "evaluate"), body)
        return cast("schemas.PolicyEvaluation", evaluated)

    def candidate(self, optimization_id: object) -> schemas.CandidateReport:
        """Return the candidate beside the live model."""
        found = self._api.get(_build_path(optimization_id, "candidate"))
        return cast("schemas.CandidateReport", found)

    def set_candidate(
        self, optimization_id: object, **settings: Unpack[schemas.PutCandidateRequest]
    ) -> schemas.CandidateReport:
        """Let a candidate learn by other settings."""
        found = self._api.put(_build_path(optimization_id, "candidate"), settings)
        return cast("schemas.CandidateReport", found)

    def promote_candidate(self, optimization_id: object) -> dict[str, Any]:
        """Let the candidate serve from now on."""
        promoted = self._api.post(_build_path(optimization_id, "candidate", "promote"))
        return cast("dict[str, Any]", promoted)

    def delete_candidate(self, optimization_id: object) -> None:
        """Forget the candidate."""
        self._api.delete(_build_path(optimization_id, "candidate"))


def _build_path(optimization_id: object, *parts: object) -> str:
    return build_path("optimizations", optimization_id, *parts)
