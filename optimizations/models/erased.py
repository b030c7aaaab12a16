"""What erased people leave: counts that nobody can be found by."""

from typing import Any

from django.db import models

from optimizations.models.optimization import Optimization


class ErasedRemainder(models.Model):
    """The counts of all erased people of one sealed day, added whenever it is counted.

    One row per optimization, day of first touch and definition of a metric. It has no id
    of a person, no time finer than the cell's, and not when anybody was erased. Only
    `cube.erased_remainders` writes rows.
    """

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="+"
    )
    organization_id = models.CharField(max_length=64)
    # As `specification.fingerprint_metric` returns it.
    definition = models.CharField(max_length=16)
    day = models.DateField()
    # Rows of the cube's statement, by column; see `cube.erased_remainders`.
    rows: "models.JSONField[list[dict[str, Any]], list[dict[str, Any]]]" = (
        models.JSONField()
    )

    class Meta:
        db_table = "erased_remainders"
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "definition", "day"),
                name="erased_remainder_once",
            )
        ]

    def __str__(self) -> str:
        return f"erased people of {self.day}"
