"""What the Design screen says of memory and time, which a process with torch is asked."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.console.shell import appears, go_to, lab, opened, shown, type_over, until


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.console.design.screen._PAUSE", 0.0)
    monkeypatch.setattr("app.console.design.screen._LONG_PAUSE", 0.0)


async def test_the_plan_says_what_models_need_and_how_long_it_takes(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "✓ petri-16k fits" in shown(pilot, "#plan"))
        assert "35,700 weights, float32" in shown(pilot, "#plan")
        await until(pilot, lambda: "by a short test" in shown(pilot, "#plan"))


async def test_a_slow_answer_holds_up_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More edits than there are threads, while `import torch` goes on for ever in the process that is asked."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "torch.py").write_text("import time\nwhile True: time.sleep(1)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "slow"))
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    app = lab(tmp_path)
    async with app.run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        await go_to(pilot, "seeds.count")
        for count in range(3, 8):
            await type_over(pilot, str(count))
            await appears(pilot, f"{1 + 7 * count} trials", "#plan")
            await until(pilot, lambda: "estimating" in shown(pilot, "#plan"))
