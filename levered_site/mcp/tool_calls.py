"""One call of a tool: arguments judged, the deed done, and failures made into advice."""

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import structlog
from pydantic import BaseModel, ValidationError

from levered_site.api import exceptions, requests, responses
from levered_site.errors import (
    INTERNAL_ERROR_MESSAGE,
    FieldProblem,
    InvalidParametersError,
    LeveredError,
)
from levered_site.mcp import advice, response_size
from levered_site.mcp.rest_api import Api, Json, RefusedError
from levered_site.mcp.tool import Input, Tool

log = structlog.get_logger(__name__)

MOST_PROBLEMS, LONGEST_LINE = 8, 240
NUL_MESSAGE = "a text must not contain a NUL character"


@dataclass(frozen=True, slots=True)
class ToolResponse:
    """What a call answers: a document, the same as text, and whether it failed."""

    document: Json
    text: str
    failed: bool = False


def call_tool(tool: Tool[Any], api: Api, arguments: Json) -> ToolResponse:
    """Call a tool for a caller. Raises nothing: a failure is an answer, with advice."""
    try:
        given = parse_arguments(tool.input_model, arguments)
        document = response_size.shorten_to_fit(tool.run(api, given))
        return ToolResponse(document, response_size.serialize_document(document))
    except Exception as raised:  # noqa: BLE001 - as around every view
        return build_failure(tool, api, describe_error(raised))


def describe_error(raised: Exception) -> Json:
    """Put what was raised into the contract's words; says nothing of the inside."""
    if isinstance(raised, RefusedError):
        return raised.error
    error = exceptions.translate_exception(raised)
    if error is None:
        log.error("mcp.failed", exc_info=raised)
        error = LeveredError(INTERNAL_ERROR_MESSAGE)
    found: Json = responses.build_error_body(error)["error"]
    return found


def build_failure(tool: Tool[Any], api: Api, error: Json) -> ToolResponse:
    """Say what went wrong, field by field, and what to do next."""
    what_next = advice.suggest_next_step(error, tool.name, api.caller)
    problems = [
        f"- {one['field']}: {one['message']}"[:LONGEST_LINE]
        for one in error.get("details", ())[:MOST_PROBLEMS]
    ]
    lines = [
        f"{error['code']}: {error['message']}"[: 3 * LONGEST_LINE],
        *problems,
        f"Next: {what_next}",
        f"request_id: {requests.get_request_id()}",
    ]
    shown = error | {"details": error.get("details", [])[:MOST_PROBLEMS]}
    document = response_size.shorten_to_fit({"error": shown, "next": what_next})
    return ToolResponse(document, "\n".join(lines), failed=True)


def parse_arguments(shape: type[Input], arguments: Json) -> Input:
    """Judge the arguments as the tool's schema describes them.

    Raises InvalidParametersError naming every field that is wrong, with what is possible.
    """
    try:
        found = shape.model_validate_json(json.dumps(arguments))
    except ValidationError as error:
        problems = tuple(_build_field_problem(shape, one) for one in error.errors())
        message = f"{len(problems)} argument(s) are not acceptable."
        raise InvalidParametersError(message, problems) from error
    if _contains_nul(arguments):
        raise InvalidParametersError(NUL_MESSAGE)
    return found


def _build_field_problem(shape: type[BaseModel], error: Any) -> FieldProblem:
    path = [part for part in error["loc"] if not _is_union_member(part)]
    field = ""
    for part in path:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else part
    message = str(error["msg"])
    if error["type"] == "extra_forbidden":
        return FieldProblem(
            field, _describe_unknown_field(path, _list_fields_at(shape, path[:-1]))
        )
    if error["type"] == "missing":
        message = "is required"
    return FieldProblem(field or "arguments", message)


def _is_union_member(part: int | str) -> bool:
    """Whether a part of a location names a member of a union, not a field."""
    return isinstance(part, str) and (
        not part.isidentifier() or part in {"str", "bool"}
    )


def _describe_unknown_field(path: Sequence[int | str], names: Iterable[str]) -> str:
    there = sorted(names)
    near = difflib.get_close_matches(str(path[-1]), there, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"unknown field; {guess}there are: {', '.join(there)}"


def _list_fields_at(shape: Any, path: Sequence[int | str]) -> Iterable[str]:
    """Name the fields of the model that a path leads to."""
    for part in path:
        if isinstance(part, str):
            shape = _find_model(shape.model_fields[part].annotation)
    return list(shape.model_fields)


def _find_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _find_model(inner)
        if found is not None:
            return found
    return None


def _contains_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_contains_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(_contains_nul(each) for each in value)
