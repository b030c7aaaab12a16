"""Run one call of a tool: validate its arguments, run it, turn errors into answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from levered_site.api import exceptions, requests, responses
from levered_site.errors import (
    INTERNAL_ERROR_MESSAGE,
    FieldProblem,
    InvalidParametersError,
    LeveredError,
)
from levered_site.mcp import (
    advice,
    argument_texts,
    input_models,
    response_size,
    shortening,
)
from levered_site.mcp.rest_api import Api, Json, RefusedError
from levered_site.mcp.tool import Input, Tool

log = structlog.get_logger(__name__)

MAX_PROBLEMS, MAX_LINE_LENGTH = 8, 240
NUL_MESSAGE = "No text of the arguments may contain a NUL character."


@dataclass(frozen=True, slots=True)
class ToolResponse:
    """The answer of a call: a document, a text, and whether the call failed.

    Clients hold every document, also that of an error, against the tool's output schema.
    """

    document: Json
    text: str
    failed: bool = False


def call_tool(tool: Tool[Any], api: Api, arguments: Json) -> ToolResponse:
    """Call a tool; an error becomes a failed response with a next step, never raises."""
    try:
        parsed = parse_arguments(tool.input_model, arguments)
        document = shortening.shorten_to_fit(tool.run(api, parsed))
        return ToolResponse(document, response_size.serialize_document(document))
    except Exception as error:  # noqa: BLE001 - as around every view
        return build_failure(tool, api, describe_error(error))


def describe_error(error: Exception) -> Json:
    """Return the `error` object of the API error format, without internal details.

    An exception that the API does not know is logged and described as internal_error.
    """
    if isinstance(error, RefusedError):
        return error.error
    api_error = exceptions.translate_exception(error)
    if api_error is None:
        log.error("mcp.failed", exc_info=error)
        api_error = LeveredError(INTERNAL_ERROR_MESSAGE)
    description: Json = responses.build_error_body(api_error)["error"]
    return description


def build_failure(tool: Tool[Any], api: Api, error: Json) -> ToolResponse:
    """Build the response of a failed call: the problem of each field and the next step."""
    next_step = advice.suggest_next_step(error, tool.name, api.caller)
    problems = error.get("details", [])[:MAX_PROBLEMS]
    lines = [
        shortening.cut_text(
            f"{error['code']}: {error['message']}", 3 * MAX_LINE_LENGTH
        ),
        *(
            shortening.cut_text(
                f"- {problem.get('field') or problem['code']}: {problem['message']}",
                MAX_LINE_LENGTH,
            )
            for problem in problems
        ),
        f"Next: {next_step}",
        f"request_id: {requests.get_request_id()}",
    ]
    document = shortening.shorten_to_fit(
        {
            "summary": lines[0],  # which every output schema requires
            "error": error | {"details": problems},
            "next": next_step,
        }
    )
    return ToolResponse(document, "\n".join(lines), failed=True)


def parse_arguments(input_model: type[Input], arguments: Json) -> Input:
    """Validate arguments against the tool's model.

    A text that holds the JSON value which the model expects counts as that value, and
    null for an optional argument as none. Raises InvalidParametersError naming every invalid argument and what it accepts.
    """
    try:
        parsed = input_model.model_validate_json(json.dumps(arguments))
    except ValidationError as error:
        readable = _rewrite_arguments(input_model, arguments, error.errors())
        if readable is not None:
            return parse_arguments(input_model, readable)
        problems = tuple(
            _build_field_problem(input_model, problem) for problem in error.errors()
        )
        subject = "argument is" if len(problems) == 1 else "arguments are"
        message = f"{len(problems)} {subject} invalid."
        raise InvalidParametersError(message, problems) from error
    if _contains_nul(arguments):
        raise InvalidParametersError(NUL_MESSAGE)
    return parsed


def _rewrite_arguments(
    input_model: type[Input], arguments: Json, problems: Sequence[Any]
) -> Json | None:
    """Return the arguments in the notation of the model; None if they are in it."""
    without_nulls = argument_texts.drop_nulls(
        arguments, problems, lambda path: _is_optional(input_model, path)
    )
    if without_nulls is not None:
        return without_nulls
    return argument_texts.parse_texts(arguments, problems)


def _is_optional(input_model: Any, path: Sequence[Any]) -> bool:
    """Return whether a path leads to a field that has a default."""
    *parents, name = path
    model = input_model
    for part in parents:
        if isinstance(part, str):
            field = model.model_fields.get(part) if model else None
            model = input_models.find_model(field.annotation) if field else None
    field = model.model_fields.get(name) if model else None
    return field is not None and not field.is_required()


def _build_field_problem(input_model: type[BaseModel], problem: Any) -> FieldProblem:
    path = [part for part in problem["loc"] if not _is_union_member(part)]
    field = ""
    for part in path:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else part
    message = str(problem["msg"])
    if problem["type"] == "extra_forbidden":
        model = input_models.find_model_at(input_model, path[:-1])
        message = input_models.describe_unknown_field(str(path[-1]), model)
    if problem["type"] == "missing":
        message = "is required"
    return FieldProblem(field or "arguments", message)


def _is_union_member(part: int | str) -> bool:
    """Return whether a part of pydantic's location names a union member, not a field."""
    return isinstance(part, str) and (
        not part.isidentifier() or part in {"str", "bool", "float"}
    )


def _contains_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_contains_nul(item) for pair in value.items() for item in pair)
    return isinstance(value, list) and any(_contains_nul(item) for item in value)
