"""The events of a batch as columns, one list a field, which cost little per event. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from levered_site.errors import InvalidItemError

Problems = dict[int, InvalidItemError]  # by the index of the event


@dataclass(slots=True)
class EventColumns:
    """Valid events of a batch; `indexes` are their places in it, in order.

    `optimization_ids` are UUIDs in canonical form, `timestamps` are in UTC.
    """

    indexes: list[int] = field(default_factory=list)
    anonymous_ids: list[str] = field(default_factory=list)
    optimization_ids: list[Any] = field(default_factory=list)
    timestamps: list[datetime] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.indexes)

    def extend(self, other: Self) -> None:
        """Append the events of `other`."""
        for column in fields(self):
            getattr(self, column.name).extend(getattr(other, column.name))

    def select(self, positions: Sequence[int]) -> Self:
        """Return the events at these positions."""
        return type(self)(
            **{
                column.name: [getattr(self, column.name)[place] for place in positions]
                for column in fields(self)
            }
        )


@dataclass(slots=True)
class ExposureColumns(EventColumns):
    """Exposures. `variants` and `contexts` are as sent, not yet checked."""

    variants: list[Mapping[str, Any]] = field(default_factory=list)
    contexts: list[Mapping[str, Any]] = field(default_factory=list)
    policy_versions: list[int | None] = field(default_factory=list)


@dataclass(slots=True)
class RewardColumns(EventColumns):
    """Rewards. `properties` are JSON texts; an optimization may be None."""

    names: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    properties: list[str | None] = field(default_factory=list)
