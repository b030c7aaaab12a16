"""Policy versions: publish one, find one, and read its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_app import allocation_bytes, restated_report
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation, leading
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.models import BanditModel, PolicyVersion, TrainingRun

VARIANTS_CHANGED = (
    "variants were enabled, disabled or excluded since the last training; the next "
    "training learns this figure again"
)


@dataclass(frozen=True, slots=True)
class _VersionOrigin:
    """What made a version: its cause, and the run and report of a training."""

    cause: PolicyVersion.Cause
    run: TrainingRun | None = None
    report: dict[str, Any] | None = None


def ensure_uniform_version(model: BanditModel, enabled: Sequence[int]) -> PolicyVersion:
    """Return version 0, and create it at the launch: uniform over enabled variants.

    `enabled` are variant numbers. An existing version 0 is returned unchanged.
    """
    existing = model.policy_versions.filter(number=0).first()
    if existing is not None:
        return existing
    uniform = allocation.build_uniform_table(
        model.design.context_cells, _build_enabled_mask(model, enabled)
    )
    origin = _VersionOrigin(PolicyVersion.Cause.START)
    return _insert_version(model, 0, CompiledPolicy(uniform, uniform), enabled, origin)


def publish_trained(
    model: BanditModel,
    run: TrainingRun | None,
    compiled_policy: CompiledPolicy,
    enabled: Sequence[int],
    report: dict[str, Any],
) -> PolicyVersion:
    """Store the policy that a run learned as the next version, and make it serve.

    `run` is None for what was learned without one, before shipping. `enabled` are
    variant numbers, `report` is plain JSON. Call it inside a transaction
    that also ends the run and bumps the version number that serving compares.
    """
    origin = _VersionOrigin(PolicyVersion.Cause.TRAINING, run, report)
    return _publish_next(model, compiled_policy, enabled, origin)


def publish_enabled(
    model: BanditModel, enabled: Sequence[int], *, exploration_share: float = 0.01
) -> PolicyVersion:
    """Store and return the version that serves once the enabled variants change.

    Restricts the last trained table (before any training, that of version 0) to the
    enabled variants, normalizes it, and mixes exploration in again. A variant that the
    table did not serve has no learned share: it gets the even one, 1 / number of enabled
    variants, until the next training. Call it inside the transaction that changes the
    variants.
    """
    source = find_trained_version(model) or get_serving_version(model)
    before = _build_enabled_mask(model, source.enabled)
    mask = _build_enabled_mask(model, enabled)
    shares = allocation_bytes.restrict_to_enabled(read_table(source), before, mask)
    prob_best = read_prob_best(source)
    compiled_policy = CompiledPolicy(
        allocation.mix_exploration(shares, mask, exploration_share),
        allocation.build_uniform_table(source.segments, mask)
        if prob_best is None
        else allocation_bytes.restrict_to_enabled(prob_best, before, mask),
    )
    report = restated_report.restate_report(
        source.report, model.design, compiled_policy.probabilities
    )
    origin = _VersionOrigin(PolicyVersion.Cause.VARIANTS, report=report)
    return _publish_next(model, compiled_policy, enabled, origin)


def is_learned(version: PolicyVersion) -> bool:
    """Return whether a version serves what a training learned, or the uniform start.

    It does not once variants were enabled, disabled or excluded: which one leads, and
    what the allocation is worth, is not known until the next training.
    """
    return version.cause != PolicyVersion.Cause.VARIANTS


def find_trained_version(model: BanditModel) -> PolicyVersion | None:
    """Return the newest version that a training made; None before any."""
    return (
        model.policy_versions.filter(cause=PolicyVersion.Cause.TRAINING)
        .order_by("-number")
        .first()
    )


def get_serving_version(model: BanditModel) -> PolicyVersion:
    """Return the version that serves. Raises PolicyVersion.DoesNotExist for a draft."""
    return model.policy_versions.get(number=model.policy_version)


def find_serving_version(model: BanditModel) -> PolicyVersion | None:
    """Return the version that serves; None for a draft."""
    return model.policy_versions.filter(number=model.policy_version).first()


def read_table(version: PolicyVersion) -> Floats:
    """Return the probabilities [context cells, variants] of a version."""
    return allocation_bytes.unpack_table(
        version.probabilities, version.segments, version.variants
    )


def read_served_table(version: PolicyVersion, *, is_shipped: bool) -> Floats:
    """Return the probabilities [context cells, variants] that users get.

    Once it is shipped, every context cell gets its leading variant only.
    """
    table = read_table(version)
    if not is_shipped:
        return table
    prob_best = read_prob_best(version)
    servable = np.isin(np.arange(version.variants) + 1, version.enabled)
    return leading.build_leading_table(
        table if prob_best is None else prob_best, servable
    )


def list_leading_variants(version: PolicyVersion) -> list[int]:
    """Return the numbers of the variants that lead in a context cell with users, ascending.

    Once it is shipped hardly anything else is served: which variant leads where nobody was
    seen, such as in contexts that are missing, serves nobody. Without users, and in reports
    of earlier versions, all context cells count.
    """
    table = read_served_table(version, is_shipped=True)
    baselines = (version.report or {}).get("baselines") or {}
    means = baselines.get("means", ())
    had_users = np.array([mean is not None for mean in means], dtype=bool)
    if had_users.any():
        table = table[had_users]
    return [int(index) + 1 for index in np.flatnonzero(table.any(axis=0))]


def read_prob_best(version: PolicyVersion) -> Floats | None:
    """Return the stored probability to be best [context cells, variants], if any."""
    if version.prob_best is None:
        return None
    return allocation_bytes.unpack_table(
        version.prob_best, version.segments, version.variants
    )


def _build_enabled_mask(
    model: BanditModel, enabled: Sequence[int]
) -> NDArray[np.bool_]:
    mask = np.zeros(model.design.variants, dtype=bool)
    mask[np.array(enabled, dtype=np.int64) - 1] = True
    return mask


def _publish_next(
    model: BanditModel,
    compiled_policy: CompiledPolicy,
    enabled: Sequence[int],
    origin: _VersionOrigin,
) -> PolicyVersion:
    # A lock on the model's row: numbers grow by one, whoever publishes.
    locked = BanditModel.objects.select_for_update().get(pk=model.pk)
    last = locked.policy_versions.order_by("-number").first()
    number = 1 if last is None else last.number + 1
    version = _insert_version(model, number, compiled_policy, enabled, origin)
    model.policy_version = number
    model.save(update_fields=["policy_version", "updated_at"])
    return version


def _insert_version(
    model: BanditModel,
    number: int,
    compiled_policy: CompiledPolicy,
    enabled: Sequence[int],
    origin: _VersionOrigin,
) -> PolicyVersion:
    context_cells, variants = compiled_policy.probabilities.shape
    return model.policy_versions.create(
        number=number,
        cause=origin.cause,
        training_run=origin.run,
        probabilities=allocation_bytes.pack_table(compiled_policy.probabilities),
        prob_best=allocation_bytes.pack_table(compiled_policy.prob_best),
        segments=context_cells,
        variants=variants,
        enabled=sorted(enabled),
        report=origin.report,
    )
