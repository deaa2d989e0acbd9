"""Models of the Hub that cannot be had are found out before a run is made: by a Hub of our own, without a network."""

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from engine.errors import LesionError
from engine.profile import Profile
from engine.runs import create
from tests.runs.conftest import small_profile

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """Answers as the Hugging Face Hub does: of `there/model` it has all, of others what their names say."""

    def do_GET(self) -> None:
        if "no-such-model" in self.path:
            self._say(404, error="RepoNotFound")
        elif "/revision/" in self.path and "/revision/main" not in self.path:
            self._say(404, error="RevisionNotFound")
        else:
            self._say(200, json.dumps({"id": "there/model", "sha": COMMIT}).encode())

    def do_HEAD(self) -> None:
        if "gated" in self.path:
            self._say(403, error="GatedRepo")
        elif "empty" in self.path:
            self._say(404, error="EntryNotFound")
        else:
            self._say(200)

    def _say(self, status: int, body: bytes = b"", error: str = "") -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Length", str(len(body))),
            ("X-Error-Code", error),
            ("X-Repo-Commit", COMMIT),
            ("ETag", "'e'"),
        ):
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A Hub on this host, and nothing in the cache."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("HF_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    yield
    server.shutdown()
    server.server_close()


def profile_of(*names: str, **model: object) -> Profile:
    """The small profile with these models."""
    return small_profile(model={"names": list(names), "device": "cpu", **model})


def refused(profile: Profile, results: Path) -> str:
    """What is said of the profile for which no run is made."""
    with pytest.raises(LesionError) as caught:
        create(profile, results, source=None)
    assert caught.value.field == "model.names"
    assert not results.exists()
    return str(caught.value)


def snapshot(home: Path, files: dict[str, str]) -> None:
    """A repository `some/model` in the cache."""
    repository = home / "hub" / "models--some--model"
    folder = repository / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for name, text in files.items():
        (folder / name).write_text(text)


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("name", "model", "sentence"),
    [
        ("no-such-org/no-such-model", {}, "there is no model no-such-org/no-such-model: it is no folder here and no"),
        ("there/model", {"revision": "v9"}, "the Hub has no revision 'v9' of there/model"),
        ("there/gated", {}, "there/gated is gated: accept its terms on https://huggingface.co/there/gated"),
        ("there/empty", {}, "there/empty holds no model: there is no config.json"),
    ],
)
def test_a_model_that_the_hub_does_not_give(tmp_path: Path, name: str, model: dict[str, object], sentence: str) -> None:
    said = refused(profile_of("petri-16k", name, **model), tmp_path / "results")
    assert said.startswith(sentence)
    assert len(said.splitlines()) == 1


@pytest.mark.usefixtures("hub")
def test_a_model_that_the_hub_has(tmp_path: Path) -> None:
    assert create(profile_of("there/model"), tmp_path / "results", source=None).is_dir()


@pytest.mark.usefixtures("hub")
def test_models_are_named_ten_at_a_time(tmp_path: Path) -> None:
    lines = refused(profile_of(*(f"org{number}/no-such-model" for number in range(15))), tmp_path / "results")
    assert [line.split(":")[0] for line in lines.splitlines()] == [
        *(f"there is no model org{number}/no-such-model" for number in range(10)),
        "and 5 more models",
    ]


@pytest.mark.parametrize(
    ("files", "model", "whole"),
    [
        ({}, {}, False),
        ({"config.json": "{}"}, {}, False),  # as an earlier plan leaves it
        ({"config.json": "{}", "model.safetensors": ""}, {}, True),
        ({"config.json": "{}", "pytorch_model.bin": ""}, {}, False),
        ({"config.json": "{}", "pytorch_model.bin": ""}, {"allow_pickle": True}, True),
        ({"config.json": "{}", "model.safetensors.index.json": '{"weight_map": {"a": "1.safetensors"}}'}, {}, False),
        (
            {
                "config.json": "{}",
                "model.safetensors.index.json": '{"weight_map": {"a": "1.safetensors"}}',
                "1.safetensors": "",
            },
            {},
            True,
        ),
    ],
)
def test_without_the_hub_a_model_must_be_whole_in_the_cache(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    model: dict[str, object],
    whole: bool,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    snapshot(tmp_path / "cache", files)
    profile = profile_of("some/model", **model)
    if whole:
        assert create(profile, tmp_path / "results", source=None).is_dir()
    else:
        said = refused(profile, tmp_path / "results")
        assert said.startswith(
            "some/model is not in the cache of this host, and the Hugging Face Hub cannot be reached"
        )


def test_a_folder_of_that_name_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.profile import remarks

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some" / "model").mkdir(parents=True)
    said = "some/model is read from the folder some/model in the current directory, not from the Hugging Face Hub"
    assert remarks(profile_of("some/model", "petri-16k"))[0] == said
    assert remarks(profile_of("some/model", revision="v1"))[0] == f"{said}; model.revision is ignored"
    assert create(profile_of("some/model"), tmp_path / "results", source=None).is_dir()
    monkeypatch.chdir("/")
    assert not any(said in remark for remark in remarks(profile_of("some/model")))
