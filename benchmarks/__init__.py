"""Measurements of the learner, the statistics and the service; each prints a table."""

import sys
from types import TracebackType


def _report_missing_module(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print one sentence for a missing module, a traceback for all other errors."""
    if not isinstance(error, ModuleNotFoundError):
        sys.__excepthook__(kind, error, trace)
        return
    module = getattr(sys.modules["__main__"], "__spec__", None)
    name = module.name.removesuffix(".__main__") if module else "benchmarks"
    command = f"make bench BENCH={name.removeprefix('benchmarks.')}"
    if name == "benchmarks.regret":
        command = (
            "make bench-regret"  # beside other learners, in an environment of its own
        )
    sys.stderr.write(
        f"{name} needs the module {error.name}, which {sys.executable} does not have: "
        f"run `{command}`, which makes the environment first.\n"
    )


if sys.argv[:1] == ["-m"]:  # while Python looks for the module that it was told to run
    sys.excepthook = _report_missing_module
