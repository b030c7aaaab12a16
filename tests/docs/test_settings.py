"""The page of settings lists exactly what the settings read."""

import re

from tests.support.code_blocks import ROOT

READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')
ROW = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)
# Read by `manage.py up` itself, before the settings.
OUTSIDE_SETTINGS = {"HOST"}


def test_every_setting_is_documented_and_none_is_invented() -> None:
    read = set(READ.findall((ROOT / "levered_site/settings.py").read_text()))
    documented = ROW.findall((ROOT / "docs/configuration.md").read_text())

    assert len(read) > 30
    assert set(documented) == read | OUTSIDE_SETTINGS
    assert len(documented) == len(set(documented))
