"""What failed gets a second look only if it depends on how busy the machine is."""

from tests.support.second_look import may_run_again

SURVIVAL = "tests/levered_site/web/test_survival_memory.py::test_a[1]"
OTHER = "tests/metrics/test_metric_endpoints.py::test_survival"


def test_only_tests_of_a_running_service_run_again() -> None:
    assert may_run_again([SURVIVAL])
    assert not may_run_again([OTHER])
    assert not may_run_again([SURVIVAL, OTHER])
    assert not may_run_again([])
