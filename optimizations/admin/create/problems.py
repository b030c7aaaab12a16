"""What the API would refuse of the answers, and where the form shows it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from levered_site.admin.pages import validate_serializer
from levered_site.errors import FieldProblem, InvalidParametersError, LeveredError
from metrics.models import Metric
from optimizations.admin.create.answers import Answers
from optimizations.admin.create.body import Body, Place
from optimizations.configuration import validation
from optimizations.serializers.optimization_requests import NewOptimizationSerializer
from optimizations.serializers.training_data_config import TrainingDataConfigSerializer

CHOOSE_ORGANIZATION = "Choose an organization."
CHOOSE_METRIC = "Choose a metric, or “No metric yet”."
CHOOSE_GUARDRAILS = "A guardrail that you chose is gone. Choose the guardrails again."
# What the API calls by names that the form does not show.
FORM_WORDS: Final = (
    (
        "Ensure this field has at least 1 elements",
        "must have one with a name and at least 2 levels",
    ),
    (", as dtype is number", ", because the factor has numbers"),
    (", as dtype is bool", ", because the factor has true and false"),
    ("for model_type mab; use model_type cmab", "where one answer is learned for all"),
    ("conversion_window_hours", "the conversion window"),
    ("Set assignment_source_id", "Choose one in the step Traffic"),
    ("Set reward_metric_id", "Choose one in the step Goal"),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem and its place; None if it has none.

    `message` stands beside the field, `summary` also names what it is about.
    """

    message: str
    place: Place | None
    summary: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a serializer's field reads of its view: whose names it may look up."""

    organization_id: str


def validate_body(fields: Mapping[str, Any], organization_id: str) -> dict[str, Any]:
    """Return the validated body. Raises InvalidParametersError, as the API does."""
    return validate_serializer(
        NewOptimizationSerializer(data=fields, context={"view": Scope(organization_id)})
    )


def find_problems(
    answers: Answers, body: Body, organization_id: str, guardrails: Sequence[Metric]
) -> list[Problem]:
    """Return what the form lacks, and what the API's rules say of each field.

    `guardrails` are those of the chosen ones that exist. The other rules that need the
    database come with the review: `locate_error` places them.
    """
    problems = []
    if not organization_id:
        place = Place("goal", "organization", "The organization")
        problems.append(Problem(CHOOSE_ORGANIZATION, place, CHOOSE_ORGANIZATION))
    elif not answers.goal.metric:
        place = Place("goal", "metric", "The metric")
        problems.append(Problem(CHOOSE_METRIC, place, CHOOSE_METRIC))
    if len(guardrails) < len(answers.goal.guardrails):
        place = Place("goal", "guardrails", "A guardrail")
        problems.append(Problem(CHOOSE_GUARDRAILS, place, CHOOSE_GUARDRAILS))
    found = _find_refused_fields(body.fields, organization_id)
    return problems + [locate_problem(body, problem) for problem in found]


def _find_refused_fields(
    fields: Mapping[str, Any], organization_id: str
) -> Iterator[FieldProblem]:
    """Yield what the serializer refuses, then what the design's rules do.

    Creating stops at the first of these stages. The form shows the design's problems also
    where another field is wrong.
    """
    refused = _list_details(lambda: validate_body(fields, organization_id))
    yield from refused
    config_field = validation.CONFIG_FIELD
    if any(
        problem.field.startswith((config_field, "model_type")) for problem in refused
    ):
        return
    config = validate_serializer(
        TrainingDataConfigSerializer(data=fields[config_field])
    )
    found = validation.find_config_problems(config, fields["model_type"])
    yield from found
    if found or any(problem.field.startswith("excluded_") for problem in refused):
        return
    yield from validation.find_exclusion_problems(
        config, fields["excluded_combinations"]
    )


def _list_details(validate: Any) -> Sequence[FieldProblem]:
    try:
        validate()
    except InvalidParametersError as error:
        return error.details
    return ()


def locate_error(body: Body, error: LeveredError) -> list[Problem]:
    """Return the problems of a refused creation."""
    if not error.details:
        message = _use_form_words(error.message)
        return [Problem(message, None, message)]
    return [locate_problem(body, problem) for problem in error.details]


def locate_problem(body: Body, problem: FieldProblem) -> Problem:
    """Return a problem of the API with its place, as a sentence with a subject."""
    place = body.find_place(problem.field)
    message = _use_form_words(problem.message)
    if place is None:
        message = f"{problem.field}: {message}"
        return Problem(message, None, message)
    message = message if message.endswith(".") else f"{message}."
    if message[:1].islower():
        sentence = f"{place.subject} {message}"
        return Problem(sentence, place, sentence)
    return Problem(message, place, f"{place.subject}: {message}")


def _use_form_words(message: str) -> str:
    for name, words in FORM_WORDS:
        message = message.replace(name, words)
    return message
