"""Set up Django and run one step: `python -m benchmarks.warehouse.one_step NAME k=v …`.

Runs in the environment of `engine.run_stores`; imports the steps after the settings.
"""

import importlib

import django

django.setup()
importlib.import_module("benchmarks.warehouse.steps").main()
