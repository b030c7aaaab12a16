"""The answers in plain sentences, as the last step shows them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from metrics.models import AssignmentSource, Metric
from optimizations.admin.create import choices, traffic_fields
from optimizations.admin.create.answers import STEP_TITLES, Answers, Step
from optimizations.admin.create.factor_rows import FactorRow
from optimizations.admin.create.traffic_fields import TrafficField
from optimizations.admin.create.variant_grid import VariantGrid

MANAGED: Final = "Events are read from the managed store, where the service keeps them."
ALLOCATIONS: Final = {
    "default": "What looks best is favored, by the square of its probability of being best",
    "thompson": "A variant's share of the traffic is its probability of being best",
    "uniform": "The traffic is split evenly, whatever is learned",
}
TOUCHES: Final = {
    "last_touch": "the latest exposure before them",
    "first_touch": "the user's first exposure",
}


@dataclass(frozen=True, slots=True)
class Section:
    """The sentences about one step."""

    step: Step
    title: str
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class Named:
    """The names of what the answers refer to by ids."""

    organization: str
    metric: Metric | None
    guardrails: Sequence[str]
    sources: Sequence[AssignmentSource]


def build_review(answers: Answers, named: Named, grid: VariantGrid) -> list[Section]:
    """Return what will be created, step by step."""
    sentences: Mapping[Step, Iterator[str]] = {
        "goal": _describe_goal(answers, named),
        "factors": _describe_factors(answers, grid),
        "traffic": _describe_traffic(answers, named),
    }
    return [
        Section(step, STEP_TITLES[step], list(lines))
        for step, lines in sentences.items()
    ]


def _describe_goal(answers: Answers, named: Named) -> Iterator[str]:
    yield f"“{answers.goal.name}” belongs to {named.organization or 'no organization'}."
    if named.metric is None:
        yield "It has no reward metric yet, so it cannot go live."
    else:
        counting = choices.describe_counting(named.metric)
        yield f"It is rewarded by “{named.metric.name}”, which {counting}."
    if named.guardrails:
        yield f"Guardrails watch for harm: {_join(named.guardrails)}."
    else:
        yield "No guardrail watches for harm elsewhere."


def _describe_factors(answers: Answers, grid: VariantGrid) -> Iterator[str]:
    factors = answers.factors
    for row in factors.list_filled("design"):
        yield f"{_name_factor(row)} is {_join_levels(row)}."
    excluded = grid.count - grid.served
    left_out = f"; {excluded} excluded, {grid.served} served" if excluded else ""
    yield f"That makes {grid.formula} variants{left_out}."
    baseline = [
        f"{row.name}: {row.list_filled()[0].text}"
        for row in factors.list_filled("design")
        if row.list_filled()
    ]
    yield f"The baseline, which the holdout gets, is {_join(baseline)}."
    contexts = factors.list_filled("context")
    for row in contexts:
        yield f"The best variant may depend on {row.name}: {_join_levels(row)}."
    if not contexts:
        yield "No context is known: one variant is best for everybody."


def _describe_traffic(answers: Answers, named: Named) -> Iterator[str]:
    values = _read_values(answers)
    holdout = values["holdout_percentage"]
    yield (
        f"{holdout}% of users are held out: they always get the baseline."
        if holdout
        else "Nobody is held out, so no lift can be measured."
    )
    yield f"{ALLOCATIONS.get(values['allocation'], values['allocation'])}."
    yield (
        f"{_percent(values['exploration_share'])} of the traffic explores evenly, and "
        f"the model learns every {values['retrain_every_minutes']} minutes."
    )
    touch = TOUCHES.get(values["attribution_type"], values["attribution_type"])
    window = values["conversion_window_hours"]
    yield (
        f"Rewards count for {window} hours after {touch}, and not later than "
        f"{values.get('horizon_hours', window)} hours after the user's first exposure."
    )
    yield from _describe_access(values, named)


def _describe_access(values: Mapping[str, Any], named: Named) -> Iterator[str]:
    if "expected_users" in values:
        yield (
            f"About {values['expected_users']:,} users are expected."
            if isinstance(values["expected_users"], int)
            else f"Expected users: {values['expected_users']}."
        )
    by_id = {str(source.pk): source.name for source in named.sources}
    chosen = by_id.get(values.get("assignment_source_id", ""))
    if chosen:
        yield f"Who saw which variant is read from the assignment source “{chosen}”."
    elif named.sources:
        yield "Who saw which variant is read from the default assignment source."
    origins = values.get("allowed_origins")
    yield (
        f"Only pages of {_join(origins)} are served."
        if origins
        else "Pages of any origin are served."
    )
    yield (
        "Anybody may read the policy."
        if values.get("public_policy")
        else "Only members may read the policy."
    )


def _read_values(answers: Answers) -> dict[str, Any]:
    """Return the value of each field, or the API's default where it has one."""
    values = {}
    for field in traffic_fields.FIELDS:
        text = answers.traffic.values.get(field.name, "")
        value = _read_value(field, text)
        if value is not None:
            values[field.name] = value
    return values


def _read_value(field: TrafficField, text: str) -> Any:
    if text:
        return traffic_fields.read_value(field, text)
    default = traffic_fields.find_default(field)
    return f"{default:g}" if isinstance(default, float) else default


def _percent(share: Any) -> str:
    try:
        return f"{100 * float(share):g}%"
    except ValueError:
        return str(share)


def _name_factor(row: FactorRow) -> str:
    return f"“{row.name}”" if row.name else "A factor without a name"


def _join_levels(row: FactorRow) -> str:
    return _join([f"“{level.text}”" for level in row.list_filled()], "or")


def _join(words: Sequence[str], last: str = "and") -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
