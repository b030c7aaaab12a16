"""The rows of a statement as the messages of a process that asks a warehouse."""

from collections.abc import Callable, Iterator

from warehouse.backends.process_answers import Failure, Row, RowBatch

BATCH_ROWS, BATCH_BYTES = 500, 256 * 2**10


def build_batches(
    rows: Iterator[Row],
    max_rows: int,
    max_bytes: int,
    build_batch: Callable[[list[Row]], RowBatch],
) -> Iterator[RowBatch | Failure]:
    """Yield the rows in batches as they arrive; at least one, even without rows.

    Yields a Failure at the first row beyond `max_rows`, or as soon as the values as text
    are longer than `max_bytes`.
    """
    batch: list[Row] = []
    batch_bytes, bytes_left = 0, max_bytes
    for number, row in enumerate(rows):
        row_bytes = sum(len(str(value)) for value in row)
        bytes_left -= row_bytes
        if bytes_left < 0:
            yield Failure("bytes", limit=max_bytes)
            return
        if number == max_rows:
            yield Failure("rows", limit=max_rows)
            return
        batch.append(row)
        batch_bytes += row_bytes
        if len(batch) == BATCH_ROWS or batch_bytes > BATCH_BYTES:
            yield build_batch(batch)
            batch, batch_bytes = [], 0
    yield build_batch(batch)
