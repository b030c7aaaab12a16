"""Fields of a tool's arguments: which there are, and which one was probably meant."""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel

from levered_site import near_names

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
    """Return up to three names: as REST suggests, those one level deeper, with a word."""
    known = sorted(model.model_fields)
    meant = near_names.find_meant_field(name, known)
    deeper = [
        f"{outer}.{name}"
        for outer, field in model.model_fields.items()
        if name in getattr(find_model(field.annotation), "model_fields", ())
    ]
    words = set(name.lower().split("_"))
    sharing = [each for each in known if words & set(each.split("_"))]
    return list(dict.fromkeys([*filter(None, [meant]), *deeper, *sharing]))[:3]


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
