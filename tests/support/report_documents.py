"""Reports read back from the documents that are stored."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from models_app.bandit.report.report import Report


def read_report(document: Mapping[str, Any]) -> Report:
    """Return the report that `report.to_json` wrote."""
    report: Report = _rebuild_value(Report, document)
    return report


def _rebuild_value(annotation: Any, value: Any) -> Any:
    """Rebuild a value of the annotated type: dataclasses, and tuples of them."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        hints = get_type_hints(annotation)
        return annotation(
            **{
                name: _rebuild_value(hint, value[name])
                for name, hint in hints.items()
                if name in value
            }
        )
    if get_origin(annotation) is UnionType and isinstance(value, Mapping):
        return _rebuild_value(get_args(annotation)[0], value)
    if get_origin(annotation) is tuple:
        return tuple(_rebuild_value(get_args(annotation)[0], item) for item in value)
    return value
