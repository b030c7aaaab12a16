"""A stub of torch, which obp imports for neural policies that are not used here."""

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
    """A module with every attribute: capitalized names are classes, others modules."""

    def __getattr__(self, name: str) -> object:
        """Create and keep the attribute."""
        if name.startswith("__"):
            raise AttributeError(name)
        attribute: object = PlaceholderModule(f"{self.__name__}.{name}")
        if name[0].isupper():
            attribute = type(name, (), {})
        setattr(self, name, attribute)
        return attribute


def install_stub() -> None:
    """Install the stub as torch, unless torch is installed."""
    if find_spec("torch") is not None:
        return
    for name in NAMES:
        sys.modules[name] = PlaceholderModule(name)
    for name in NAMES[1:]:
        parent, _, child = name.rpartition(".")
        setattr(sys.modules[parent], child, sys.modules[name])
