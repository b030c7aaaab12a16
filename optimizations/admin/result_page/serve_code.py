"""Code that asks for an optimization's variants, and sends its conversions. Pure.

It is the code of docs/in-your-app.md and of the clients' READMEs, with one optimization's
id, factors and reward filled in.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# Of a line. An object that is longer has a line for each field.
MOST_COLUMNS: Final = 76
USER: Final = "visitor-1"
EXAMPLE_AMOUNT: Final = 12.5
JSON_HEADER: Final = '-H "Content-Type: application/json"'


@dataclass(frozen=True, slots=True)
class Reward:
    """The reward to send. `has_amount` says whether its value is more than that it came."""

    name: str
    has_amount: bool


@dataclass(frozen=True, slots=True)
class Served:
    """What code needs to know of an optimization.

    Attributes
    ----------
    fallback: the baseline, a level of each design factor.
    context: an example, a level of each context factor.
    reward: None where conversions are not sent to the service.
    public_key: a publishable key, or what stands in its place; for conversions only.

    """

    api_url: str
    optimization_id: str
    fallback: Mapping[str, Any]
    context: Mapping[str, Any]
    reward: Reward | None
    public_key: str = "lev_pub_..."


def write_javascript(served: Served) -> str:
    """Return a module for a web page."""
    fields = {
        "optimizationId": _quote(served.optimization_id),
        **({"context": _write_object(served.context)} if served.context else {}),
        "fallback": _write_object(served.fallback),
    }
    request = "\n".join(f"  {name}: {value}," for name, value in fields.items())
    options = {"apiUrl": served.api_url}
    if served.reward is not None:
        options["apiKey"] = served.public_key
    names = ", ".join(f"variant{_write_member(name)}" for name in served.fallback)
    code = f"""import {{ LeveredClient }} from "@levered/sdk";

const levered = new LeveredClient({_write_object(options)});
const variant = await levered.getVariant({{
{request}
}});
// Show {names}."""
    if served.reward is None:
        return code
    amount = f", {{ value: {EXAMPLE_AMOUNT} }}" if served.reward.has_amount else ""
    name = _quote(served.reward.name)
    return f"{code}\n\n// When the visitor converts:\nlevered.track({name}{amount});"


def write_python(served: Served) -> str:
    """Return a program for a server."""
    context = f"    context={_write_dict(served.context)},\n" if served.context else ""
    names = ", ".join(f"variant[{_quote(name)}]" for name in served.fallback)
    code = f"""import os
from levered import Levered

levered = Levered({_quote(served.api_url)}, os.environ["LEVERED_KEY"])

variant = levered.get_variant(
    {_quote(served.optimization_id)},
    anonymous_id="{USER}",
{context}    fallback={_write_dict(served.fallback)},
)
# Show {names}."""
    if served.reward is None:
        return code
    amount = f", value={EXAMPLE_AMOUNT}" if served.reward.has_amount else ""
    call = f'levered.track({_quote(served.reward.name)}, anonymous_id="{USER}"{amount})'
    return f"{code}\n\n# When the visitor converts:\n{call}"


def write_curl(served: Served) -> str:
    """Return the requests of any other program, for a shell."""
    asked: dict[str, Any] = {"anonymous_id": USER}
    if served.context:
        asked["context"] = dict(served.context)
    path = f"optimizations/{served.optimization_id}/serve"
    code = f"""# Which variant? This counts {USER} as a visitor; with "dry_run": true it does not.
{_write_request(served, path, asked)}"""
    if served.reward is None:
        return code
    event: dict[str, Any] = {"anonymous_id": USER, "name": served.reward.name}
    if served.reward.has_amount:
        event["value"] = EXAMPLE_AMOUNT
    sent = _write_request(served, "ingest/rewards", {"events": [event]})
    return f"{code}\n\n# When the visitor converts:\n{sent}"


def _write_request(served: Served, path: str, body: Mapping[str, Any]) -> str:
    address = shlex.quote(f"{served.api_url}/api/v2/{path}")
    text = shlex.quote(_quote(body))
    return (
        f"curl -s {address} \\\n"
        f'  -H "X-API-Key: $LEVERED_KEY" {JSON_HEADER} \\\n'
        f"  -d {text}"
    )


def _write_object(levels: Mapping[str, Any]) -> str:
    fields = [
        f"{name if _is_identifier(name) else _quote(name)}: {_quote(level)}"
        for name, level in levels.items()
    ]
    return _fold(f"{{ {', '.join(fields)} }}", fields, indent="  ")


def _write_dict(levels: Mapping[str, Any]) -> str:
    items = [
        f"{_quote(name)}: {level if isinstance(level, bool) else _quote(level)}"
        for name, level in levels.items()
    ]
    return _fold(f"{{{', '.join(items)}}}", items, indent="    ")


def _fold(line: str, items: Sequence[str], indent: str) -> str:
    """Return an object on one line or, where that is too long, on one for each item."""
    if len(line) <= MOST_COLUMNS:
        return line
    return "\n".join(("{", *(f"{indent * 2}{item}," for item in items), f"{indent}}}"))


def _write_member(name: str) -> str:
    return f".{name}" if _is_identifier(name) else f"[{_quote(name)}]"


def _is_identifier(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", name) is not None


def _quote(value: Any) -> str:
    """Return JSON, which is also a literal of JavaScript and of Python but for booleans."""
    return json.dumps(value, ensure_ascii=False)
