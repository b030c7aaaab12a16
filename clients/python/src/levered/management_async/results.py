"""What came of an optimization.

Written by generate.py; do not change it by hand.
"""

from collections.abc import AsyncIterator
from typing import Any, Literal, Unpack, cast

from levered import schemas
from levered.management.api import AsyncApi
from levered.management.calls import build_path
from levered.notebook import OptimizationResults

# What can be evaluated instead of the policy that served.
Target = dict[str, int] | Literal["without_context", "candidate"]


class AsyncResultReadings:
    """`/optimizations/:id/…`. All raise ApiError and NetworkError.

    `refresh` counts in the warehouse first.
    """

    def __init__(self, api: AsyncApi) -> None:
        self._api = api

    async def get(
        self, optimization_id: object, *, refresh: bool = False, sql: bool = False
    ) -> OptimizationResults:
        """Return lift, variants and what the model learned."""
        path = _build_path(optimization_id, "results")
        return OptimizationResults(
            cast(
                "schemas.Results",
                await self._api.get(path, refresh=refresh or None, sql=sql or None),
            )
        )

    async def progress(
        self, optimization_id: object, *, refresh: bool = False
    ) -> schemas.Progress:
        """Return how far it is, and when it may be decided."""
        path = _build_path(optimization_id, "progress")
        return cast(
            "schemas.Progress", await self._api.get(path, refresh=refresh or None)
        )

    async def guardrails(
        self, optimization_id: object, *, refresh: bool = False
    ) -> schemas.GuardrailList:
        """Return the guardrail metrics, arm against arm."""
        path = _build_path(optimization_id, "guardrails")
        return cast(
            "schemas.GuardrailList", await self._api.get(path, refresh=refresh or None)
        )

    async def lift_history(self, optimization_id: object) -> schemas.LiftHistory:
        """Return the lift of each day, as it was published that day."""
        found = await self._api.get(_build_path(optimization_id, "lift-history"))
        return cast("schemas.LiftHistory", found)

    async def lift_curve(self, optimization_id: object) -> schemas.LiftCurve:
        """Return the measured lift of each day with both intervals, to draw it."""
        found = await self._api.get(_build_path(optimization_id, "lift-curve"))
        return cast("schemas.LiftCurve", found)

    async def holdout_daily(
        self, optimization_id: object, *, refresh: bool = False
    ) -> schemas.HoldoutDaily:
        """Return the sums of both arms by day."""
        path = _build_path(optimization_id, "holdout-daily")
        found = await self._api.get(path, refresh=refresh or None)
        return cast("schemas.HoldoutDaily", found)

    def outcome_mix(
        self, optimization_id: object
    ) -> AsyncIterator[schemas.OutcomeMixRow]:
        """Yield the users of each day, arm, variant, context and outcome."""
        path = _build_path(optimization_id, "outcome-mix")
        return self._api.iterate(path, "rows", limit=10_000)

    def observations(
        self, optimization_id: object
    ) -> AsyncIterator[schemas.Observation]:
        """Yield the cells of the observation cube, newest day first."""
        return self._api.iterate(
            _build_path(optimization_id, "observations"), "observations"
        )

    async def report_data(
        self, optimization_id: object, *, refresh: bool = False
    ) -> schemas.ReportData:
        """Return everything in one document."""
        path = _build_path(optimization_id, "report-data")
        return cast(
            "schemas.ReportData", await self._api.get(path, refresh=refresh or None)
        )

    async def evaluate(
        self, optimization_id: object, policy: Target, **versions: int
    ) -> schemas.PolicyEvaluation:
        """Return what another policy would have earned.

        `policy` is `{"variant": n}`, `{"version": n}`, `without_context` or `candidate`.
        """
        body = {"policy": policy, **versions}
        evaluated = await self._api.post(_build_path(optimization_id, "evaluate"), body)
        return cast("schemas.PolicyEvaluation", evaluated)

    async def candidate(self, optimization_id: object) -> schemas.CandidateReport:
        """Return the candidate beside the live model."""
        found = await self._api.get(_build_path(optimization_id, "candidate"))
        return cast("schemas.CandidateReport", found)

    async def set_candidate(
        self, optimization_id: object, **settings: Unpack[schemas.PutCandidateRequest]
    ) -> schemas.CandidateReport:
        """Let a candidate learn by other settings."""
        found = await self._api.put(_build_path(optimization_id, "candidate"), settings)
        return cast("schemas.CandidateReport", found)

    async def promote_candidate(self, optimization_id: object) -> dict[str, Any]:
        """Let the candidate serve from now on."""
        promoted = await self._api.post(
            _build_path(optimization_id, "candidate", "promote")
        )
        return cast("dict[str, Any]", promoted)

    async def delete_candidate(self, optimization_id: object) -> None:
        """Forget the candidate."""
        await self._api.delete(_build_path(optimization_id, "candidate"))


def _build_path(optimization_id: object, *parts: object) -> str:
    return build_path("optimizations", optimization_id, *parts)
