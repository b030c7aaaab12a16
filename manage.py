#!/usr/bin/env python3
"""Django's command line: `python manage.py help` lists what it can do."""

import os
import sys

try:
    from django.core.management import execute_from_command_line
except ModuleNotFoundError as error:
    raise SystemExit(
        f"manage.py needs the module {error.name}, which {sys.executable} does not "
        "have: run `make run` once, then .venv/bin/python manage.py."
    ) from error


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levered_site.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
