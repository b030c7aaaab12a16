"""metrics.stats imports neither Django nor scipy."""

import subprocess
import sys

PROGRAM = """
import sys
from metrics.stats import Totals, lift
arms = Totals.from_conversions(900, 90), Totals.from_conversions(900, 80)
assert lift.measure_lift([arms], "bool").p_value is not None
heavy = {"django", "rest_framework", "scipy", "sklearn", "levered_site"}
print(sorted(heavy & {name.split(".")[0] for name in sys.modules}))
"""


def test_the_statistics_import_neither_django_nor_scipy() -> None:
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )

    assert process.stderr == ""
    assert process.stdout == "[]\n"
