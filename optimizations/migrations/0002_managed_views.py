"""The managed store as customers' SQL sees it: receipts and events in one view."""

from django.db import migrations

from warehouse.sql import managed


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0001_initial'),
        ('warehouse', '0001_initial'),
    ]

    operations = [migrations.RunSQL(managed.CREATE_VIEWS, managed.DROP_VIEWS)]
