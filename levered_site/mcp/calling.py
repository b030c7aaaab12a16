"""One call of a tool: arguments judged, the deed done, and failures made into advice."""

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import structlog
from pydantic import BaseModel, ValidationError

from levered_site.api import answers, exceptions, requests
from levered_site.errors import FieldProblem, InvalidParametersError, LeveredError
from levered_site.mcp import advice, sizes
from levered_site.mcp.calls import Api, Json, RefusedError
from levered_site.mcp.tool import Input, Tool

log = structlog.get_logger(__name__)

INSIDE = "Something went wrong on our side. The request id says what to ask about."
MOST_PROBLEMS, LONGEST_LINE = 8, 240
NUL = "a text must not contain a NUL character"


@dataclass(frozen=True, slots=True)
class Said:
    """What a call answers: a document, the same as text, and whether it failed."""

    document: Json
    text: str
    failed: bool = False


def call(tool: Tool[Any], api: Api, arguments: Json) -> Said:
    """Call a tool for a caller. Raises nothing: a failure is an answer, with advice."""
    try:
        given = read(tool.takes, arguments)
        document = sizes.fitted(tool.run(api, given))
        return Said(document, sizes.text_of(document))
    except Exception as raised:  # noqa: BLE001 - as around every view
        return failed(tool, api, error_of(raised))


def error_of(raised: Exception) -> Json:
    """Put what was raised into the contract's words; says nothing of the inside."""
    if isinstance(raised, RefusedError):
        return raised.error
    error = exceptions.translate(raised)
    if error is None:
        log.error("mcp.failed", exc_info=raised)
        error = LeveredError(INSIDE)
    found: Json = answers.error_body(error)["error"]
    return found


def failed(tool: Tool[Any], api: Api, error: Json) -> Said:
    """Say what went wrong, field by field, and what to do next."""
    what_next = advice.after(error, tool.name, api.caller)
    problems = [
        f"- {one['field']}: {one['message']}"[:LONGEST_LINE]
        for one in error.get("details", ())[:MOST_PROBLEMS]
    ]
    lines = [
        f"{error['code']}: {error['message']}"[: 3 * LONGEST_LINE],
        *problems,
        f"Next: {what_next}",
        f"request_id: {requests.current_request_id()}",
    ]
    shown = error | {"details": error.get("details", [])[:MOST_PROBLEMS]}
    document = sizes.fitted({"error": shown, "next": what_next})
    return Said(document, "\n".join(lines), failed=True)


def read(shape: type[Input], arguments: Json) -> Input:
    """Judge the arguments as the tool's schema describes them.

    Raises InvalidParametersError naming every field that is wrong, with what is possible.
    """
    try:
        found = shape.model_validate_json(json.dumps(arguments))
    except ValidationError as error:
        problems = tuple(_problem(shape, one) for one in error.errors())
        message = f"{len(problems)} argument(s) are not acceptable."
        raise InvalidParametersError(message, problems) from error
    if _holds_nul(arguments):
        raise InvalidParametersError(NUL)
    return found


def _problem(shape: type[BaseModel], error: Any) -> FieldProblem:
    path = [part for part in error["loc"] if not _is_kind(part)]
    field = ""
    for part in path:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else part
    message = str(error["msg"])
    if error["type"] == "extra_forbidden":
        return FieldProblem(field, _unknown(path, _fields_at(shape, path[:-1])))
    if error["type"] == "missing":
        message = "is required"
    return FieldProblem(field or "arguments", message)


def _is_kind(part: int | str) -> bool:
    """Whether a part of a location names a member of a union, not a field."""
    return isinstance(part, str) and (
        not part.isidentifier() or part in {"str", "bool"}
    )


def _unknown(path: Sequence[int | str], names: Iterable[str]) -> str:
    there = sorted(names)
    near = difflib.get_close_matches(str(path[-1]), there, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"unknown field; {guess}there are: {', '.join(there)}"


def _fields_at(shape: Any, path: Sequence[int | str]) -> Iterable[str]:
    """Name the fields of the model that a path leads to."""
    for part in path:
        if isinstance(part, str):
            shape = _model_in(shape.model_fields[part].annotation)
    return list(shape.model_fields)


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(_holds_nul(each) for each in value)
