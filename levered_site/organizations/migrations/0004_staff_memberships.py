"""Roles of staff users in organizations, for those who could see all of them before."""

from collections.abc import Iterable
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

# A role goes to whoever had all of these rights, so that nobody gains by the upgrade.
VIEWER_RIGHTS = frozenset(
    {
        "optimizations.view_optimization",
        "optimizations.view_decision",
        "metrics.view_metric",
        "warehouse.view_connection",
        "warehouse.view_managedexposure",
        "warehouse.view_managedreward",
        "organizations.view_member",
        "organizations.view_apikey",
        "organizations.view_auditentry",
    }
)
EDITOR_RIGHTS = VIEWER_RIGHTS | {
    "optimizations.change_optimization",
    "optimizations.change_variant",
    "metrics.change_metric",
    "models_app.change_banditmodel",
    "models_app.change_trainingrun",
}
OWNER_RIGHTS = EDITOR_RIGHTS | {
    "optimizations.delete_optimization",
    "metrics.delete_metric",
    "models_app.delete_banditmodel",
    "organizations.change_organization",
    "organizations.delete_apikey",
}
ROLES = (("owner", OWNER_RIGHTS), ("editor", EDITOR_RIGHTS), ("viewer", VIEWER_RIGHTS))


def find_role(rights: Iterable[str]) -> str | None:
    """Return the highest role whose rights are all there; None if there is none."""
    rights = set(rights)
    # Who may change a row may view it.
    held = rights | {right.replace(".change_", ".view_") for right in rights}
    return next((role for role, needed in ROLES if needed <= held), None)


def give_roles(apps: Any, schema_editor: Any) -> None:
    """Give staff who are no superusers their role in each organization of today."""
    # Or the keys that Django adds at the end would meet rows that are still checked.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    organization_ids = list(
        apps.get_model("organizations", "Organization").objects.values_list(
            "pk", flat=True
        )
    )
    users = apps.get_model("auth", "User").objects.filter(
        is_staff=True, is_active=True, is_superuser=False
    )
    for user in users:
        role = find_role(_list_rights(apps, user))
        if role is not None:
            _add_memberships(apps, user, role, organization_ids)


def _list_rights(apps: Any, user: Any) -> list[str]:
    permissions = apps.get_model("auth", "Permission").objects.filter(
        Q(user=user) | Q(group__user=user)
    )
    pairs = permissions.values_list("content_type__app_label", "codename")
    return [f"{app}.{codename}" for app, codename in pairs]


def _add_memberships(
    apps: Any, user: Any, role: str, organization_ids: list[str]
) -> None:
    rows = apps.get_model("organizations", "StaffMembership").objects.bulk_create(
        [
            apps.get_model("organizations", "StaffMembership")(
                organization_id=organization_id, user_id=user.pk, role=role
            )
            for organization_id in organization_ids
        ]
    )
    apps.get_model("organizations", "AuditEntry").objects.bulk_create(
        [
            apps.get_model("organizations", "AuditEntry")(
                organization_id=row.organization_id,
                actor_kind="system",
                actor_id="migration",
                action="staff_membership.create",
                target_type="organizations.staffmembership",
                target_id=str(row.pk),
                target_name=f"{user.username} ({role})",
                changes={"user": user.username, "role": role},
            )
            for row in rows
        ]
    )


class Migration(migrations.Migration):
    """Adds the table and carries over what staff could do."""

    dependencies = [
        ("organizations", "0003_audit_of_installation"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StaffMembership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "Viewer"),
                            ("editor", "Editor"),
                            ("owner", "Owner"),
                        ],
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staff_memberships",
                        to="organizations.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="staff_memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "staff role",
                "ordering": ("organization_id", "id"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "user"), name="staff_membership_once"
                    )
                ],
            },
        ),
        migrations.RunPython(give_roles, migrations.RunPython.noop),
    ]
