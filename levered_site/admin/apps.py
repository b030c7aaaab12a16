"""The Django app config of the admin, with our site."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Django's admin; every `admin.register` registers with our site."""

    default_site = "levered_site.admin.site.StaffAdminSite"
