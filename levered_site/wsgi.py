"""The WSGI application. It loads Celery's, so that views can send tasks by name."""

from django.core.wsgi import get_wsgi_application

from levered_site import checks
from levered_site.celery import app as celery_app

application = get_wsgi_application()
checks.require_valid_settings()

__all__ = ["application", "celery_app"]
