"""Where workers run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A device of a host; `host` is empty for the runner's own."""

    device: str
    host: str = ""

    def __str__(self) -> str:
        """`cuda:1`, or `cuda:1 on node7`."""
        return f"{self.device} on {self.host}" if self.host else self.device
