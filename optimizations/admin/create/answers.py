"""What a staff user has answered so far, step by step, as typed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from optimizations.admin.create.factor_rows import Factors

Step = Literal["goal", "factors", "traffic", "review"]
STEP_TITLES: Final[Mapping[Step, str]] = {
    "goal": "Goal",
    "factors": "Variants",
    "traffic": "Traffic",
    "review": "Review",
}
NO_METRIC: Final = "none"  # the choice of a draft without a reward metric


@dataclass(frozen=True, slots=True)
class Goal:
    """The first step. `metric` is an id, NO_METRIC, or empty while nothing is chosen."""

    name: str = ""
    organization: str = ""
    metric: str = ""
    reward_name: str = ""
    reward_type: str = "bool"
    guardrails: tuple[str, ...] = ()
    # Terms of the searches among organizations, metrics and guardrails.
    searches: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traffic:
    """The third step: the texts of its fields by name; empty is the API's default."""

    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Saved:
    """How often a step was saved, by which page last and when that page sent it.

    `is_checked` says whether the user has continued from the step, which shows problems.
    """

    revision: int = 0
    writer: str = ""
    sent: int = 0
    is_checked: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of all steps, and how each step was saved."""

    goal: Goal = field(default_factory=Goal)
    factors: Factors = field(default_factory=Factors)
    traffic: Traffic = field(default_factory=Traffic)
    saved: Mapping[str, Saved] = field(default_factory=dict)

    def get_saved(self, step: str) -> Saved:
        """Return how a step was saved."""
        return self.saved.get(step, Saved())


def dump_answers(answers: Answers) -> dict[str, Any]:
    """Return the answers as a JSON value."""
    return asdict(answers)


def load_answers(stored: Mapping[str, Any]) -> Answers:
    """Return what `dump_answers` was given."""
    goal = stored["goal"]
    return Answers(
        goal=Goal(**{**goal, "guardrails": tuple(goal["guardrails"])}),
        factors=Factors.load(stored["factors"]),
        traffic=Traffic(**stored["traffic"]),
        saved={step: Saved(**saved) for step, saved in stored["saved"].items()},
    )


def change_goal(answers: Answers, goal: Goal) -> Answers:
    """Set the goal; another organization has other metrics and assignment sources."""
    before = answers.goal.organization
    if not before or goal.organization == before:
        return replace(answers, goal=goal)
    values = {**answers.traffic.values, "assignment_source_id": ""}
    return replace(
        answers,
        goal=replace(goal, metric="", guardrails=()),
        traffic=Traffic(values),
    )
