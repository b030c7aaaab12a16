"""How the staff pages look and where their menu leads: Unfold's settings."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

SEARCHED = (  # small tables only: the command search asks all of them
    "optimizations.optimization",
    "organizations.organization",
    "organizations.apikey",
    "metrics.metric",
)


def _style(_request: object) -> str:
    return static("staff/staff.css")


def _icon(_request: object) -> str:
    return static("staff/icon.svg")


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "permission": lambda request: request.user.has_perm(_view(model)),
    }


def _view(model: str) -> str:
    app, _, name = model.rpartition("_")
    return f"{app}.view_{name}"


NAVIGATION: list[dict[str, Any]] = [
    {
        "items": [
            {
                "title": "Overview",
                "icon": "monitoring",
                "link": reverse_lazy("admin:index"),
            }
        ]
    },
    {
        "title": "Optimizing",
        "separator": True,
        "items": [
            _item("Optimizations", "tune", "optimizations_optimization"),
            _item("Variants", "style", "optimizations_variant"),
            _item("Metrics", "target", "metrics_metric"),
            _item("Assignment sources", "input", "metrics_assignmentsource"),
        ],
    },
    {
        "title": "Learning",
        "separator": True,
        "items": [
            _item("Models", "network_node", "models_app_banditmodel"),
            _item("Training runs", "model_training", "models_app_trainingrun"),
            _item(
                "Policy versions", "published_with_changes", "models_app_policyversion"
            ),
        ],
    },
    {
        "title": "Observations",
        "separator": True,
        "collapsible": True,
        "items": [
            _item("Decisions", "receipt_long", "optimizations_decision"),
            _item("Exposures sent in", "visibility", "warehouse_managedexposure"),
            _item("Rewards sent in", "paid", "warehouse_managedreward"),
            _item("Cube days", "view_in_ar", "optimizations_cubeday"),
            _item("Regimes", "timeline", "optimizations_regime"),
            _item("Published days", "calendar_month", "optimizations_publishedday"),
            _item("Connections", "database", "warehouse_connection"),
        ],
    },
    {
        "title": "People",
        "separator": True,
        "items": [
            _item("Organizations", "corporate_fare", "organizations_organization"),
            _item("Members", "group", "organizations_member"),
            _item("API keys", "key", "organizations_apikey"),
            _item("Audit log", "history", "organizations_auditentry"),
        ],
    },
    {
        "title": "Staff",
        "separator": True,
        "items": [
            _item("Users", "badge", "auth_user"),
            _item("Groups", "shield_person", "auth_group"),
            _item("Changes to staff", "manage_history", "admin_logentry"),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Levered",
    "SITE_HEADER": "Levered",
    "SITE_SUBHEADER": "Staff",
    "SITE_SYMBOL": "balance",
    "SITE_URL": None,
    "SHOW_HISTORY": False,  # the audit log knows more than Django's history
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [_style],
    "DASHBOARD_CALLBACK": "optimizations.admin.dashboard.fill",
    "SIDEBAR": {"command_search": True, "navigation": NAVIGATION},
    "COMMAND": {"search_models": SEARCHED, "show_history": True},
    "BORDER_RADIUS": "6px",
}
