"""Unfold's settings: the look of the admin and its menu."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

SEARCHED_MODELS = (  # small tables only: one search queries all of them
    "optimizations.optimization",
    "organizations.organization",
    "organizations.apikey",
    "metrics.metric",
)


def _get_stylesheet_url(_request: object) -> str:
    return static("levered_admin/admin.css")


def _get_charts_style_url(_request: object) -> str:
    return static("levered_charts/charts.css")


def _get_charts_script_url(_request: object) -> str:
    return static("levered_charts/charts.js")


def _get_icon_url(_request: object) -> str:
    return static("levered_admin/icon.svg")


def _build_menu_item(title: str, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "list": model,  # the site shows it to those who may open it
    }


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
        "title": "Optimization",
        "separator": True,
        "items": [
            _build_menu_item("Optimizations", "tune", "optimizations_optimization"),
            _build_menu_item("Variants", "style", "optimizations_variant"),
            _build_menu_item("Metrics", "target", "metrics_metric"),
            _build_menu_item("Assignment sources", "input", "metrics_assignmentsource"),
        ],
    },
    {
        "title": "Learning",
        "separator": True,
        "items": [
            _build_menu_item("Models", "network_node", "models_app_banditmodel"),
            _build_menu_item(
                "Training runs", "model_training", "models_app_trainingrun"
            ),
            _build_menu_item(
                "Policy versions", "published_with_changes", "models_app_policyversion"
            ),
        ],
    },
    {
        "title": "Observations",
        "separator": True,
        "collapsible": True,
        "items": [
            _build_menu_item("Decisions", "receipt_long", "optimizations_decision"),
            _build_menu_item(
                "Exposures sent in", "visibility", "warehouse_managedexposure"
            ),
            _build_menu_item("Rewards sent in", "paid", "warehouse_managedreward"),
            _build_menu_item("Cube days", "view_in_ar", "optimizations_cubeday"),
            _build_menu_item("Regimes", "timeline", "optimizations_regime"),
            _build_menu_item(
                "Published days", "calendar_month", "optimizations_publishedday"
            ),
            _build_menu_item("Connections", "database", "warehouse_connection"),
        ],
    },
    {
        "title": "People",
        "separator": True,
        "items": [
            _build_menu_item(
                "Organizations", "corporate_fare", "organizations_organization"
            ),
            _build_menu_item("Members", "group", "organizations_member"),
            _build_menu_item("API keys", "key", "organizations_apikey"),
            _build_menu_item("Audit log", "history", "organizations_auditentry"),
        ],
    },
    {
        "title": "Staff",
        "separator": True,
        "items": [
            _build_menu_item("Roles", "lock_person", "organizations_staffmembership"),
            _build_menu_item("Users", "badge", "auth_user"),
            _build_menu_item("Groups", "shield_person", "auth_group"),
            _build_menu_item("Changes to staff", "manage_history", "admin_logentry"),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Levered",
    "SITE_HEADER": "Levered",
    "SITE_SUBHEADER": "Staff",
    "SITE_SYMBOL": "balance",
    "SITE_URL": None,
    "SHOW_HISTORY": False,  # the audit log holds more than Django's history
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _get_icon_url}],
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [_get_stylesheet_url, _get_charts_style_url],
    "SCRIPTS": [_get_charts_script_url],
    # Not in a package of admin pages: it is imported before they are registered.
    "LOGIN": {"form": "levered_site.organizations.staff_login.StaffLoginForm"},
    "DASHBOARD_CALLBACK": "optimizations.admin.dashboard.add_overview",
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": NAVIGATION,
    },
    "COMMAND": {"search_models": SEARCHED_MODELS, "show_history": True},
    "BORDER_RADIUS": "6px",
}
