"""Names of files that are taken away."""

import re
import uuid

from django.http import HttpRequest

MAX_LENGTH = 100
ID_LENGTH = 8
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")


def build_file_name(request: HttpRequest, section: str = "") -> str:
    """Return a name made of the path below the API, such as `optimizations.csv`.

    Ids are shortened. Letters, digits, `_` and `-` are all that it has before `.csv`.
    """
    *_, path = request.path_info.rpartition("/api/v2/")
    return clean_file_name(*map(_shorten_id, path.split("/")), section)


def clean_file_name(*parts: str) -> str:
    """Return a name that joins the parts, of safe characters."""
    cleaned = (_UNSAFE.sub("-", part).strip("-") for part in parts)
    name = "-".join(filter(None, cleaned))
    return f"{name[:MAX_LENGTH].strip('-') or 'rows'}.csv"


def _shorten_id(part: str) -> str:
    try:
        return str(uuid.UUID(part))[:ID_LENGTH]
    except ValueError:
        return part
