"""The Open Bandit Dataset's logs as arrays, and halves of them."""

import csv
import gzip
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Factor, Integers

FOLDER = Path(__file__).parents[2] / "levered_site/demo/open_bandit"
ITEMS, POSITIONS = 34, 3
POLICIES = "uniform", "thompson"


@dataclass(frozen=True, slots=True)
class Log:
    """One row per shown item, in time order; positions and days are numbered from 0."""

    item: Integers
    position: Integers
    day: Integers
    click: Integers

    def select_rows(self, rows: NDArray[np.bool_]) -> "Log":
        """Return the selected rows."""
        columns = self.item, self.position, self.day, self.click
        return Log(*(column[rows] for column in columns))


def read_log(policy: str) -> Log:
    """Read the log of a policy of POLICIES."""
    with gzip.open(FOLDER / f"{policy}_policy_men.csv.gz", "rt") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["timestamp"])
    days = [datetime.fromisoformat(row["timestamp"]).toordinal() for row in rows]
    return Log(
        item=np.array([int(row["item_id"]) for row in rows]),
        position=np.array([int(row["position"]) - 1 for row in rows]),
        day=np.array(days) - days[0],
        click=np.array([int(row["click"]) for row in rows]),
    )


# One design factor, the item; one context factor, the position on the page.
DESIGN = Design(
    (Factor("item", tuple(str(item) for item in range(ITEMS))),),
    (Factor("position", tuple(str(index + 1) for index in range(POSITIONS))),),
)


def count_cells(log: Log) -> TrainingCells:
    """Count users and clicks by day (the stratum), position and item."""
    days, stratum = np.unique(log.day, return_inverse=True)
    shape = len(days), DESIGN.context_cells, DESIGN.variants
    index = np.ravel_multi_index((stratum, log.position, log.item), shape)
    filled, cell = np.unique(index, return_inverse=True)
    strata, context, variant = np.unravel_index(filled, shape)
    return TrainingCells(
        stratum=strata.astype(np.int64),
        stratum_time=(days - days[0]).astype(np.float64),
        variant=variant.astype(np.int64),
        context=context.astype(np.int64),
        users=sum_by_index(cell, np.ones(len(cell)), len(filled)),
        successes=sum_by_index(cell, log.click.astype(np.float64), len(filled)),
    )
