"""A worker in a real process of its own, spoken to in JSON lines."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from engine.profile import Profile, Trial, to_toml
from engine.runs.artifacts import keep

Message = dict[str, Any]


class Worker:
    """One worker process. `prelude` is Python run in it beforehand: a library that misbehaves, a memory limit."""

    def __init__(self, profile: Profile, folder: Path, prelude: str = "", batch: Message | None = None) -> None:
        self.folder = folder
        self.log = folder / f"worker-{len(list(folder.glob('worker-*.log')))}.log"
        program = f"{prelude}\nfrom engine.work.__main__ import main\nmain('worker')" if prelude else None
        entry = ["-c", program] if program else ["-m", "engine.work", "worker"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *entry], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        hello = {"profile": to_toml(profile), "folder": str(folder), "device": "cpu", "threads": 1}
        self.tell({"do": "hello", **hello, "trust_remote_code": False, "batch": batch or {}})

    def tell(self, message: Message) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, *says: str) -> Message:
        """The next message of one of these kinds."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message: Message = json.loads(line)
            if message["say"] in says:
                return message
        raise EOFError(f"the worker ended: {self.log.read_text()[-2000:]}")

    def run(self, trial: Trial) -> Message:
        """Ask for one trial and wait for its result."""
        self.ask(trial)
        answer = self.hear("done", "fatal")
        assert answer["say"] == "fatal" or answer["trial"] == trial.key
        keep(self.folder, answer.get("files", {}))
        return answer

    def ask(self, *pack: Trial) -> None:
        """Ask for trials that a worker does together."""
        self.tell({"do": "pack", "trials": [asdict(trial) for trial in pack], "recorded": []})

    def close(self) -> int:
        """Close the worker's stdin and wait for its end; returns its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts workers on a profile; they are ended after the test."""
    started: list[Worker] = []

    def start(profile: Profile, prelude: str = "", batch: Message | None = None) -> Worker:
        started.append(Worker(profile, tmp_path, prelude, batch))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


LIMITED = """
import ctypes, resource, torch, transformers
ctypes.CDLL(None).mallopt(-8, 1)  # one arena: threads would reserve 64 MiB each
from pathlib import Path
from engine.models import loading
torch.set_num_threads(1)
torch.ones(64, 64) @ torch.ones(64, 64)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 600 * 2**20, resource.getrlimit(resource.RLIMIT_AS)[1]))
"""


@pytest.fixture
def wide_model(tmp_path: Path) -> Path:
    """A model whose MLP takes 1.2 MB for every token it reads, though its weights are small."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    from engine.petri import PETRI

    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=512,
        hidden_size=8,
        intermediate_size=300_000,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=2048,
    )
    folder = tmp_path / "wide"
    GPTNeoXForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((PETRI["petri-16k"] / name).read_bytes())
    return folder
