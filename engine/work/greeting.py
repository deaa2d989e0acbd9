"""What a worker is told first: the profile and the run that it works for, and the device that it works on."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import torch

from engine.profile import Profile, parse
from engine.record.messages import Hello, Ready, read_request
from engine.work.channel import Channel
from engine.work.device import device_facts, open_device, settle


@dataclass(frozen=True)
class Greeting:
    """A hello, and what it stands for here."""

    hello: Hello
    profile: Profile
    folder: Path
    device: torch.device

    def ready(self) -> Ready:
        """The answer to it."""
        facts = device_facts(self.device, every_gpu=self.profile.model.device_map is not None)
        return Ready(device=str(self.device), facts=facts)


def greeted(channel: Channel) -> Greeting:
    """Wait for the hello, and fix whatever could move the last bits of a result. Raises LesionError for a device that
    this host does not have."""
    hello = read_request(channel.receive())
    assert isinstance(hello, Hello)
    folder = Path(hello.folder)
    profile = parse(tomllib.loads(hello.profile), str(folder / "profile.toml"), folder)
    settle(hello.threads)
    return Greeting(hello, profile, folder, open_device(hello.device))
