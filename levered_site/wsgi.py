"""What the web server calls; with Celery's application, so that tasks can be sent by name."""

from django.core.wsgi import get_wsgi_application

from levered_site import checks
from levered_site.celery import app as celery_app

application = get_wsgi_application()
checks.require_valid_settings()

__all__ = ["application", "celery_app"]
