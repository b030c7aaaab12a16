"""A stand-in for torch, which obp imports for neural policies that are not used here."""

import sys
import types
from importlib.util import find_spec

NAMES = (
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "torch.optim",
    "torch.utils",
    "torch.utils.data",
)


class PlaceholderModule(types.ModuleType):
    """A module that has every name: classes by a capital, modules otherwise."""

    def __getattr__(self, name: str) -> object:
        """Make what is asked for."""
        if name.startswith("__"):
            raise AttributeError(name)
        made: object = PlaceholderModule(f"{self.__name__}.{name}")
        if name[0].isupper():
            made = type(name, (), {})
        setattr(self, name, made)
        return made


def install_stub() -> None:
    """Stand in for torch where it is not installed."""
    if find_spec("torch") is not None:
        return
    for name in NAMES:
        sys.modules[name] = PlaceholderModule(name)
    for name in NAMES[1:]:
        parent, _, child = name.rpartition(".")
        setattr(sys.modules[parent], child, sys.modules[name])
