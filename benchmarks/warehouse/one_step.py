"""Configures Django, and then runs one step: `python -m benchmarks.warehouse.one_step NAME k=v …`.

In the environment of engine.running. The steps are loaded after the settings.
"""

import importlib

import django

django.setup()
importlib.import_module("benchmarks.warehouse.steps").main()
