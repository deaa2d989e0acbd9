"""What Python runs first in every process that tests start: workers, estimators and reports are born in the nursery.

A process of its own would load the same libraries for four seconds, hundreds of times over. It gets one all the same
where it would not be like the nursery: see `surroundings`. Tests that kill, stop or weigh workers leave it out: the
fixture `own_processes`.
"""

import os
import sys

_SERVED = ("engine.analysis.reports", "engine.work")
_READ_BY_LIBRARIES = (
    *("ATEN_", "BNB_", "BITSANDBYTES_", "CUDA_", "HF_", "HOME", "HTTP", "HUGGINGFACE_", "KMP_", "LD_", "MALLOC_"),
    *("MKL_", "NO_", "NUMBA_", "OMP_", "OPENBLAS_", "PYTHON", "PYTORCH_", "TMPDIR", "TOKENIZERS_", "TORCH"),
    *("TRANSFORMERS_", "XDG_", "http"),
)
"""How the variables begin that libraries read while they are loaded."""
_ALIKE = (
    *("CUDA_DEVICE_ORDER", "HF_XET_HIGH_PERFORMANCE", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "PYTHONPATH"),
    "TORCHINDUCTOR_CACHE_DIR",
)
"""Of these, those that make no difference: Lesion or a library sets them, or what they are about, in every process."""


def surroundings() -> "dict[str, object]":
    """What a process must share with the nursery to come from there, as JSON holds it: interpreter, engine, limits,
    file systems, user, and what libraries read of the environment."""
    import resource
    from pathlib import Path

    limits = (resource.RLIMIT_FSIZE, resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_DATA)
    engines = [path for path in map(Path, sys.path) if (path / "engine" / "__init__.py").is_file()]
    return {
        "prefix": sys.prefix,
        "engine": str(engines[0].resolve()) if engines else None,
        "limits": [list(resource.getrlimit(limit)) for limit in limits],
        "mounts": str(Path("/proc/self/ns/mnt").readlink()),
        "user": os.getuid(),
        "environment": {
            name: value
            for name, value in os.environ.items()
            if name.startswith(_READ_BY_LIBRARIES) and name not in _ALIKE
        },
    }


def _be_born(address: str, module: str, arguments: "list[str]") -> None:
    """Wait as the one that is born instead lives, and end as it does; return where there is none."""
    import json
    import signal
    import socket
    from pathlib import Path

    asked: dict[str, object] = {"module": module, "arguments": arguments}
    asked |= {"surroundings": surroundings(), "environment": dict(os.environ)}
    asked |= {"folder": str(Path.cwd()), "path": sys.path}
    with socket.socket(socket.AF_UNIX) as nursery:
        try:
            nursery.connect(address)
            socket.send_fds(nursery, [b"."], [0, 1, 2])
            nursery.sendall(json.dumps(asked).encode() + b"\n")
            told = nursery.makefile("rb")
            if told.readline() != b"born\n":
                return
        except OSError:
            return
        for what in (signal.SIGINT, signal.SIGTERM):  # as workers do
            signal.signal(what, signal.SIG_IGN)
        os.close(0)  # what it had to read goes to the other; its end is seen when both have ended
        _end(int(told.readline() or -9))


def _end(status: int) -> None:
    """With this status, or by the signal n where it is -n."""
    import signal

    if status >= 0:
        os._exit(status)
    if status != -signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)


if "LESION_TESTS_NURSERY" in os.environ and "-m" in sys.orig_argv:
    _module, *_arguments = sys.orig_argv[sys.orig_argv.index("-m") + 1 :]
    if _module in _SERVED:
        _be_born(os.environ["LESION_TESTS_NURSERY"], _module, _arguments)
