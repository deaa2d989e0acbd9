"""A process with torch that works for one without: `python -m engine.work worker`, `… estimator` or `… saver`.

It lives no longer than the process that started it, not even while it loads its libraries: what it serves is imported
only once the channel watches for the other side's end.
"""

import gc
import signal
import sys
from importlib import import_module

from engine.work.channel import Channel


def main(part: str) -> None:
    """Serve as "worker", "estimator" or "saver", modules of this package, until the other side has had enough."""
    # Ctrl-C and kill reach a whole process group. What happens to the work is for the other side to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel = Channel()
    gc.disable()  # thousands of modules are loaded, none of them to be thrown away: looking for garbage costs a tenth
    module = import_module(f"engine.work.{part}")
    gc.enable()
    module.serve(channel)


if __name__ == "__main__":
    main(sys.argv[1])
