"""Nothing in the production code is without a caller."""

import re
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).parents[1]
PATHS = (
    *("levered_site", "optimizations", "models_app", "metrics", "warehouse"),
    *("benchmarks", "manage.py"),
)
KINDS = {"function", "method", "class", "property", "import"}
DECORATORS = [
    "@admin.*",
    "@declare_column*",
    "@override",
    "@register*",
    "@shared_task*",
]
# Called by a framework by their name, which it prescribes.
FRAMEWORK_NAMES = {
    "Django": {
        *("Meta", "Command", "add_arguments", "to_python", "prepare_value"),
        *("has_changed", "run_validators", "AdminConfig", "_post_clean"),
    },
    "Django REST framework": {
        *("authenticate", "authenticate_header", "is_authenticated"),
        *("retrieve", "partial_update", "destroy", "select_parser", "select_renderer"),
        *("to_representation", "validate", "get_paginated_response_schema"),
        "run_child_validation",
        *("get_schema_operation_parameters",),
    },
    "drf-spectacular": {
        *("_get_paginator", "get_auth", "_matches", "get_name", "map_serializer"),
        *("get_extensions", "get_operation_id", "get_description"),
        "_map_basic_serializer",
    },
    "prometheus_client": {"collect"},
    "Celery and kombu": {
        *("CheckedConsumer", "create_task_handler", "on_decode_error"),
        *("on_invalid_task", "on_unknown_message", "on_unknown_task"),
        *("CheckedTransport", "basic_consume", "get_table", "restore_by_tag"),
        *("_brpop_read", "_deliver"),
    },
}
# Prefix of a name to the framework that builds the rest of it from a field's name.
FRAMEWORK_PREFIXES = {
    "clean_": "Django forms",
    "get_": "SerializerMethodField",
    "validate_": "Django REST framework",
}
PREFIXED_IN = re.compile(r"/(\w+_)?(serializers|forms)(/|\.py|\.)")
# Named by a text: a dotted path in settings or the theme, an action in a route.
TEXT = re.compile(r'"[\w.]*?(\w+)"')
TEXTS_IN = (
    *("levered_site/settings.py", "levered_site/admin/theme.py"),
    *("*/urls.py", "levered_site/*/urls.py", "levered_site/admin/apps.py"),
)
# Called by their name only, each with the reason.
EXCEPTIONS = {
    "ProtocolModule": "the type of a module that is imported by name",
    "check_disk_limited": "registered with Django's checks by @register",
    "check_functions_closed": "registered with Django's checks by @register",
    "check_settings_closed": "registered with Django's checks by @register",
    "check_temporary_tables_closed": "registered with Django's checks by @register",
    "lift_history": "a route that is spelled with a hyphen",
    "holdout_daily": "a route that is spelled with a hyphen",
    "report_data": "a route that is spelled with a hyphen",
    "has_editor_permission": "named by the role of an action of the admin",
    "has_owner_permission": "named by the role of an action of the admin",
    "render_before_template": "called by the template of Unfold's dialogs",
    "match_percent": "read by the template metric/found.html",
    "shown_values_text": "read by the template shown_values.html",
    "http_method_not_allowed": "called by DRF",
}


def _find_unused() -> list[str]:
    vulture = Vulture(ignore_decorators=DECORATORS)
    vulture.scavenge(
        [str(ROOT / path) for path in PATHS], exclude=["*/migrations/*", "*/apps.py"]
    )
    texts = [path for pattern in TEXTS_IN for path in ROOT.glob(pattern)]
    by_text = {name for path in texts for name in TEXT.findall(path.read_text())}
    called = by_text.union(EXCEPTIONS, *FRAMEWORK_NAMES.values())
    unused = []
    for item in vulture.get_unused_code(min_confidence=60):
        file = Path(item.filename).relative_to(ROOT).as_posix()
        is_prefixed = PREFIXED_IN.search(f"/{file}") and item.name.startswith(
            tuple(FRAMEWORK_PREFIXES)
        )
        if item.typ not in KINDS or item.name in called or is_prefixed:
            continue
        unused.append(f"{file}:{item.first_lineno} {item.name}")
    return unused


def test_every_function_and_class_has_a_caller() -> None:
    assert _find_unused() == []
