"""Set up Django with the code of one checkout, which PYTHONPATH names; run as a script.

An older checkout may lack this benchmark, so its `benchmarks` package is extended by this
folder's.
"""

import importlib
from pathlib import Path

import django

import benchmarks

benchmarks.__path__.insert(0, str(Path(__file__).resolve().parents[1]))
django.setup()
importlib.import_module("benchmarks.results.session").run_session()
