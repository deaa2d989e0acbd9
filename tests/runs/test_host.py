"""Main memory inside control groups: folders laid out as the kernel lays them out."""

from pathlib import Path

import psutil
import pytest

from engine.runs.host import main_memory

MIB = 2**20


def group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("memory_", "memory.")).write_text(f"{content}\n")


@pytest.fixture
def membership(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def test_without_groups_it_is_the_hosts(tmp_path: Path, membership: Path) -> None:
    free, total = main_memory(tmp_path, membership)
    assert total == psutil.virtual_memory().total
    assert abs(free - psutil.virtual_memory().available) < 500 * MIB


def test_version_2_counts_the_tightest_group_and_leaves_file_pages_out(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/jobs/one\n")
    group(tmp_path, memory_stat="active_file 0")  # the root has no limit file
    stat = f"anon 5\nactive_file {8 * MIB}\ninactive_file {2 * MIB}"
    group(tmp_path / "jobs", memory_max=200 * MIB, memory_current=150 * MIB, memory_stat="inactive_file 0")
    group(tmp_path / "jobs/one", memory_max=100 * MIB, memory_current=30 * MIB, memory_stat=stat)
    assert main_memory(tmp_path, membership) == (50 * MIB, 100 * MIB)
    group(tmp_path / "jobs/one", memory_max="max")
    assert main_memory(tmp_path, membership) == (50 * MIB, 200 * MIB)
    group(tmp_path / "jobs", memory_current=300 * MIB)
    assert main_memory(tmp_path, membership) == (0, 200 * MIB)


def test_version_1_and_a_path_that_only_the_host_knows(tmp_path: Path, membership: Path) -> None:
    membership.write_text("5:devices:/x\n4:cpu,memory:/docker/abc\n0::/\n")
    stat = f"cache 7\ntotal_active_file {MIB}\ntotal_inactive_file {MIB}"
    group(
        tmp_path / "memory",
        memory_limit_in_bytes=64 * MIB,
        memory_usage_in_bytes=12 * MIB,
        memory_stat=stat,
    )
    for name in ("limit_in_bytes", "usage_in_bytes"):
        assert (tmp_path / "memory" / f"memory.{name}").is_file()
    assert main_memory(tmp_path, membership) == (54 * MIB, 64 * MIB)
