"""Batch sizes in both directions: by the numbers, and in workers whose memory really runs out and comes back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.profile import trials
from engine.work.batches import Batches
from tests.work.conftest import LIMITED
from tests.work.test_worker import lasting, profile

ASKED = {"perplexity": 16, "generation": 40}

START = Callable[..., Any]


def test_sizes_stay_while_memory_is_neither_short_nor_was() -> None:
    batches = Batches(ASKED, {})
    assert [batches.follow("m", {"perplexity": share}) for share in (0.1, 0.5, 0.89) * 10] == [[]] * 30
    assert batches.of("m") == ASKED


def test_full_memory_halves_only_what_filled_it_and_tight_memory_is_told_once() -> None:
    batches = Batches(ASKED, {})
    assert batches.follow("m", {"perplexity": 0.5, "generation": 0.97}) == [
        "m: generation filled 97% of the memory, now in batches of 20"
    ]
    assert batches.of("m") == {"perplexity": 16, "generation": 20}
    assert batches.of("other") == ASKED
    told = "m: generation filled 92% of the memory in batches of 20"
    assert [batches.follow("m", {"generation": 0.92}) for _ in range(3)] == [[told], [], []]
    for _ in range(6):
        batches.follow("m", {"generation": 1.0})
    assert batches.of("m")["generation"] == 1


def test_growth_climbs_the_steps_it_came_down_and_waits_longer_after_a_fall() -> None:
    batches = Batches(ASKED, {"m": {"generation": 40}})
    assert [batches.halve("m", "generation") for _ in range(6)] == [True] * 5 + [False]  # 20, 10, 5, 2, 1

    def trials_until_change() -> tuple[int, int]:
        before, count = batches.of("m")["generation"], 0
        while batches.of("m")["generation"] == before:
            batches.follow("m", {"generation": 0.2})
            count += 1
        return count, batches.of("m")["generation"]

    assert trials_until_change() == (4, 2)
    batches.follow("m", {"generation": 0.2})
    batches.follow("m", {"generation": 0.5})  # begins the count anew
    assert trials_until_change() == (4, 5)
    batches.halve("m", "generation")
    assert trials_until_change() == (8, 5)
    assert [trials_until_change() for _ in range(3)] == [(8, 10), (8, 20), (8, 40)]
    assert batches.follow("m", {"generation": 0.2}) == []
    assert batches.of("m") == ASKED


FREED = (
    LIMITED
    + """
from engine.work import batches, bench
batches.PLENTY = 1.0  # whatever else this host does
plain = bench.Bench.run
def run(self, pack, recorded):
    if pack[0].index == 1:
        resource.setrlimit(resource.RLIMIT_AS, (resource.getrlimit(resource.RLIMIT_AS)[1],) * 2)
    return plain(self, pack, recorded)
bench.Bench.run = run
"""
)


def test_batches_grow_back_when_there_is_memory_again(worker: START, tmp_path: Path, wide_model: Path) -> None:
    """The limit of 600 MiB is lifted after the baseline."""
    text = tmp_path / "short.txt"
    text.write_text("\n\n".join(["bees eat foxes . the guards rest . Bero has two cups . Nero eats soup ."] * 16))
    damage = {"method": "mult_gauss", "groups": ["attn_only"], "levels": [0.1, 0.2, 0.3, 0.4]}
    measure = [{"name": "perplexity", "text": str(text), "batch_size": 16}]
    spec = profile(tmp_path, model={"names": [str(wide_model)]}, measure=measure, damage=[damage])
    process = worker(spec, FREED)
    answers = [process.run(trial) for trial in trials(spec, tmp_path)]
    sizes = [answer["record"]["batch"]["perplexity"] for answer in answers]
    assert sizes[0] in (2, 4, 8)
    assert sizes == [sizes[0]] * 4 + [2 * sizes[0]]  # after four trials with plenty of memory
    roomy = worker(spec, batch={str(wide_model): {"perplexity": sizes[4]}})
    assert lasting(roomy.run(trials(spec, tmp_path)[4])) == lasting(answers[4])


FILLED = "from engine.work import batches; batches.FULL = 0.0"


def test_a_full_memory_shrinks_the_next_trial(worker: START, tmp_path: Path) -> None:
    process = worker(spec := profile(tmp_path), FILLED)
    sizes = [process.run(trial)["record"]["batch"] for trial in trials(spec, tmp_path)[:3]]
    assert [size["perplexity"] for size in sizes] == [16, 8, 4]
    assert [size["generation"] for size in sizes] == [40, 20, 10]
