"""Metric files on a disk that is full: a process counts on, and does not crash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from levered_site.observability.metric_files import FILE_BYTES, AllocatedMetrics
from levered_site.observability.prometheus import WrittenFilesCollector

# Counts under many labels, so that the file has to grow.
COUNT = """
import os, prometheus_client
from levered_site.observability import metric_files
metric_files.allocate_metric_files()
counter = prometheus_client.Counter("many", "Many.", ["label"])
for number in range(3000):
    counter.labels(f"label {number}").inc()
    counter.labels("label 0").inc()
assert counter.labels("label 0")._value.get() == 3001
assert counter.labels("label 2999")._value.get() == 1
"""
# A file system of its own, which `unshare` takes away with the process.
MOUNT = "mount -t tmpfs -o size={size} tmpfs {folder} && exec {python} -c '{code}'"


def can_unshare() -> bool:
    """Return whether this machine lets a process have mounts of its own."""
    program = shutil.which("unshare") or ""
    return (
        bool(program)
        and not subprocess.run(
            [program, "-rm", "true"],
            check=False,
            capture_output=True,
        ).returncode
    )


def build_environment(folder: Path) -> dict[str, str]:
    """Return an environment in which prometheus_client writes files."""
    return {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}


@pytest.mark.skipif(not can_unshare(), reason="no mounts of its own")
@pytest.mark.parametrize("size", ["4k", "64k", "100k"])
def test_a_process_on_a_full_disk_counts_on(tmp_path: Path, size: str) -> None:
    shell = MOUNT.format(size=size, folder=tmp_path, python=sys.executable, code=COUNT)

    run = subprocess.run(
        ["unshare", "-rm", "sh", "-c", shell],  # noqa: S607 - found above
        env=build_environment(tmp_path),
        check=False,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stderr
    assert "metrics.not_stored" in run.stdout + run.stderr


def test_a_process_whose_files_may_not_grow_counts_on(tmp_path: Path) -> None:
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({FILE_BYTES},) * 2)"

    subprocess.run(
        [sys.executable, "-c", f"{limit}\n{COUNT}"],
        env=build_environment(tmp_path),
        check=True,
    )


def test_values_are_in_a_file_that_prometheus_reads(tmp_path: Path) -> None:
    path = str(tmp_path / "counter_1.db")
    metrics = AllocatedMetrics(path)
    for number in range(3000):
        metrics.write_value(f"a longer key {number}", float(number), 1.0)
    metrics.close()

    read = {
        key: value for key, value, _, _ in MmapedDict.read_all_values_from_file(path)
    }

    assert read == {f"a longer key {number}": float(number) for number in range(3000)}
    reopened = AllocatedMetrics(path)
    assert reopened.read_value("a longer key 7") == (7.0, 1.0)
    reopened.close()
    status = Path(path).stat()
    assert status.st_blocks * 512 >= status.st_size > FILE_BYTES  # no holes


def test_a_file_that_was_never_written_leaves_the_others_readable(
    tmp_path: Path,
) -> None:
    code = "import prometheus_client; prometheus_client.Counter('seen', 'Seen.').inc()"
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    (tmp_path / "counter_1.db").touch()

    metrics = WrittenFilesCollector(tmp_path).collect()

    values = {sample.name: sample.value for m in metrics for sample in m.samples}
    assert values["seen_total"] == 1
