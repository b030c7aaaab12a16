"""Set up Django, then measure; run as a module with the size of the world."""

import importlib
import sys

import django

django.setup()
importlib.import_module("benchmarks.admin_pages.session").measure_pages(
    *map(int, sys.argv[1:])
)
