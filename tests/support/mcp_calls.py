"""Calls of every tool: those that succeed, and those that fail with what the error says."""

from typing import Any
from uuid import UUID

from tests.support import mcp_worlds

UNKNOWN_ID = str(UUID(int=7))
DETAILS = (
    *("summary", "factors", "exclusions", "guardrails", "variants", "model_state"),
    *("contexts", "coefficients", "policy", "training_runs", "versions", "notes"),
    "audit_entries",
)
VIEWS = (
    *("summary", "variants", "factor_importance", "factor_utilities", "interactions"),
    *("context_importance", "contexts", "time_series", "regimes", "progress"),
    *("guardrails", "lift_curve", "lift_history", "holdout_daily", "outcome_mix"),
    *("cells", "touches", "sql"),
)
# Arguments may contain fields of the world: {live}, {draft}, {metric}, {served}.
VALID_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("overview", {}),
    ("overview", {"show": "models", "limit": 1}),
    ("overview", {"show": "api_keys"}),
    ("overview", {"show": "audit_entries", "limit": 20}),
    ("overview", {"status": "live", "search": "one", "include_archived": True}),
    *(
        ("get_optimization", {"optimization_id": "{live}", "detail": d})
        for d in DETAILS
    ),
    *(("get_results", {"optimization_id": "{live}", "view": view}) for view in VIEWS),
    (
        "get_results",
        {"optimization_id": "{live}", "view": "progress", "refresh": "full"},
    ),
    *(("get_results", {"optimization_id": "{draft}", "view": view}) for view in VIEWS),
    (
        "get_results",
        {"optimization_id": "{live}", "view": "what_if", "policy": {"variant": 1}},
    ),
    ("explore_warehouse", {"look": "connection"}),
    ("explore_warehouse", {"look": "test"}),
    ("explore_warehouse", {"look": "tables"}),
    ("explore_warehouse", {"look": "columns", "table": "rewards"}),
    ("explore_warehouse", {"look": "query", "sql": "SELECT 1 AS one"}),
    ("explore_warehouse", {"look": "metrics"}),
    ("explore_warehouse", {"look": "metrics", "id": "{metric}"}),
    ("explore_warehouse", {"look": "preview", "of": "metrics", "id": "{metric}"}),
    ("explore_warehouse", {"look": "sources"}),
    ("define_metric", {"try_only": True, **mcp_worlds.METRIC}),
    ("define_metric", {"id": "{metric}", "name": "Other"}),
    (
        "create_optimization",
        {
            "name": "At once",
            "training_data_config": mcp_worlds.CONFIG,
            "reward_metric_id": "{metric}",
            "status": "live",
        },
    ),
    ("update_optimization", {"optimization_id": "{live}", "holdout_percentage": 20}),
    ("update_optimization", {"optimization_id": "{draft}", "public_policy": True}),
    (
        "update_optimization",
        {"optimization_id": "{live}", "variant": {"number": 2, "enabled": False}},
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "candidate": {"allocation": "thompson"}},
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "note": {"text": "The sale began."}},
    ),
    ("change_status", {"optimization_id": "{live}", "to": "paused"}),
    (
        "serve_variant",
        {
            "optimization_id": "{live}",
            "anonymous_id": "ü/?#%",
            "context": {"device": "mobile"},
        },
    ),
    ("explain_decision", {"optimization_id": "{live}", "anonymous_id": "{served}"}),
    ("train_model", {"optimization_id": "{live}"}),
    ("train_model", {"optimization_id": "{live}", "action": "status"}),
    ("connect_warehouse", {"provider": "managed"}),
    ("create_api_key", {"label": "backend"}),
    (
        "create_api_key",
        {
            "label": "pages",
            "scopes": ["track"],
            "rewards": '[{"name": "signup", "min": "1", "max": "1"}]',
            "confirm": True,
        },
    ),
    ("delete", {"kind": "optimization", "id": "{draft}"}),
    ("delete", {"kind": "person", "id": "{served}"}),
    ("delete", {"kind": "warehouse_connection"}),
]
# Tool, arguments, and a text that the error must contain.
INVALID_CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("overview", {"limit": 0}, "limit"),
    ("overview", {"statu": "live"}, "did you mean status?"),
    (
        "create_optimization",
        {"name": "x", "training_data_config": mcp_worlds.CONFIG, "holdout": 5},
        "holdout: unknown field; did you mean holdout_percentage?",
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "ignored_context_factors": ["device"]},
        "did you mean candidate.ignored_context_factors?",
    ),
    (
        "create_optimization",
        {"name": "x", "training_data_config": mcp_worlds.CONFIG, "qqq": 5},
        "more, in the tool's schema",
    ),
    ("overview", {"status": "lively"}, "'draft', 'live', 'paused'"),
    ("overview", {"cursor": "nonsense"}, "cursor"),
    ("get_optimization", {}, "optimization_id: is required"),
    ("get_optimization", {"optimization_id": "7"}, "optimization_id"),
    ("get_optimization", {"optimization_id": UNKNOWN_ID}, "overview"),
    (
        "get_optimization",
        {"optimization_id": "{live}", "detail": "variants", "cursor": "x"},
        "next_cursor",
    ),
    ("get_results", {"optimization_id": "{live}", "view": "all"}, "view"),
    ("get_results", {"optimization_id": "{live}", "view": "what_if"}, "policy"),
    (
        "get_results",
        {
            "optimization_id": "{live}",
            "view": "what_if",
            "policy": {"variant": 1, "version": 2},
        },
        "policy",
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "candidate": {"allocation": "default"}},
        "something must differ",
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "expected_users": 5, "confirm": True},
        "expected_users: changes in draft only",
    ),
    ("get_results", {"optimization_id": "{live}", "view": "candidate"}, "not_found"),
    (
        "train_model",
        {"optimization_id": "{live}", "action": "promote_candidate"},
        "no candidate",
    ),
    ("delete", {"kind": "candidate", "id": "{live}"}, "no candidate"),
    ("explore_warehouse", {"look": "columns"}, "table: is required here"),
    ("explore_warehouse", {"look": "columns", "table": "no"}, "no"),
    ("explore_warehouse", {"look": "query", "sql": "DELETE FROM x"}, "SELECT"),
    ("explore_warehouse", {"look": "metrics", "id": UNKNOWN_ID}, "not_found"),
    ("define_metric", {"name": "x"}, "sql"),
    ("define_metric", {"try_only": True, "kind": "assignment_source"}, "try_only"),
    (
        "define_metric",
        {"name": "x", **mcp_worlds.METRIC, "sql": "SELECT secret FROM pg_shadow"},
        "managed_dw",
    ),
    (
        "create_optimization",
        {
            "name": "x",
            "training_data_config": mcp_worlds.CONFIG
            | {"design_factors": [{"name": "a", "dtype": "str", "level": ["b"]}]},
        },
        "training_data_config.design_factors[0].level: unknown field; did you mean",
    ),
    (
        "create_optimization",
        {
            "name": "x",
            "training_data_config": mcp_worlds.CONFIG,
            "reward_metric_id": UNKNOWN_ID,
        },
        "explore_warehouse (look: metrics)",
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "holdout_percentage": 96},
        "holdout_percentage",
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "variant": {"number": 1, "enabled": False}},
        "baseline",
    ),
    (
        "update_optimization",
        {
            "optimization_id": "{draft}",
            "variant": {"number": 1, "screenshot_png": "no base64!"},
        },
        "variant.screenshot_png",
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "note": {"text": "x", "date": "soon"}},
        "date",
    ),
    (
        "change_status",
        {"optimization_id": "{draft}", "to": "shipped"},
        "may become live",
    ),
    ("change_status", {"optimization_id": "{live}", "to": "ended"}, "'paused'"),
    (
        "serve_variant",
        {"optimization_id": "{live}", "anonymous_id": ""},
        "anonymous_id",
    ),
    (
        "serve_variant",
        {"optimization_id": "{draft}", "anonymous_id": "x"},
        "conflict",
    ),
    (
        "explain_decision",
        {"optimization_id": "{live}", "anonymous_id": "nobody"},
        "never served",
    ),
    ("send_events", {"kind": "clicks", "events": []}, "'exposures' or 'rewards'"),
    (
        "send_events",
        {"kind": "rewards", "events": [{"anonymous_id": "x"}]},
        "name",
    ),
    ("train_model", {"optimization_id": "{draft}"}, "this one is draft"),
    ("train_model", {"optimization_id": "{live}", "bias": {"x": 1}}, "bias.x"),
    ("connect_warehouse", {"provider": "oracle"}, "'managed'"),
    ("connect_warehouse", {"provider": "postgres"}, "credentials"),
    ("create_api_key", {"label": ""}, "label"),
    ("create_api_key", {"label": "a\0b"}, "NUL"),
    ("create_api_key", {"label": "x", "scopes": []}, "scopes"),
    ("create_api_key", {"label": "x", "scopes": ["admin"]}, "'ingest', 'serve'"),
    ("create_api_key", {"label": "x", "expires_at": "2020-01-01"}, "in the future"),
    ("create_api_key", {"label": "x", "scopes": ["track", "serve"]}, "`track` cannot"),
    ("create_api_key", {"label": "x", "origins": ["https://a.b"]}, "`track` has this"),
    (
        *("create_api_key", {"label": "x", "scopes": ["track"], "rewards": [{}]}),
        "rewards[0].name",
    ),
    ("delete", {"kind": "metric", "id": UNKNOWN_ID}, "not_found"),
    ("delete", {"kind": "metric", "id": "{metric}"}, "conflict"),
    ("delete", {"kind": "metric", "confirm": "yes"}, "confirm"),
    ("delete", {"kind": "optimization"}, "id: is required for kind optimization"),
    ("delete", {"kind": "person", "confirm": True}, "id: is required"),
    (
        "connect_warehouse",
        {"provider": "postgres", "credentials": {}},
        "credentials.database: is required",
    ),
]
