"""Fields of a tool's arguments: which there are, and which one was probably meant."""

import difflib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel

MAX_KNOWN_NAMES = 8


def describe_unknown_field(name: str, model: Any) -> str:
    """Return the message about an unknown field: what was probably meant."""
    likely = _find_likely_names(name, model)
    if likely:
        return f"unknown field; did you mean {' or '.join(likely)}?"
    known = sorted(model.model_fields)
    listed = ", ".join(known[:MAX_KNOWN_NAMES])
    rest = len(known) - MAX_KNOWN_NAMES
    return f"unknown field; known fields: {listed}" + (
        f" and {rest} more, in the tool's schema" if rest > 0 else ""
    )


def _find_likely_names(name: str, model: Any) -> list[str]:
    """Return up to three names: a similar one, those one level deeper, those with a word.

    `holdout` resembles `holdout_percentage` too little for difflib.
    """
    known = sorted(model.model_fields)
    similar = difflib.get_close_matches(name.lower(), known, n=1)
    deeper = [
        f"{outer}.{name}"
        for outer, field in model.model_fields.items()
        if name in getattr(find_model(field.annotation), "model_fields", ())
    ]
    words = set(name.lower().split("_"))
    sharing = [each for each in known if words & set(each.split("_"))]
    return list(dict.fromkeys([*similar, *deeper, *sharing]))[:3]


def find_model_at(model: Any, path: Sequence[int | str]) -> Any:
    """Return the nested model that a path leads to."""
    for part in path:
        if isinstance(part, str):
            model = find_model(model.model_fields[part].annotation)
    return model


def find_model(annotation: Any) -> Any:
    """Return the model that an annotation holds, or None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        model = find_model(argument)
        if model is not None:
            return model
    return None
