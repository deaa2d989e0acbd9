"""Profiles and arguments that no one would write by hand: each is refused at once, with one short sentence."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import LesionError
from engine.profile import Profile, load, to_toml, trials
from engine.profile.toml import DEEPEST, TooMuchError, loads
from engine.runs import create

Refusal = Callable[..., LesionError]

LONG = "x" * 5000
DIGITS = "9" * 5000
HEX = "0x" + "f" * 6000
NUMBER = "1" + "0" * 4000
PICTURE = "measure.1.image"

TEXTS = [
    ("a = " + "[" * 5000, "line 1 has too many brackets within one another: 50 are accepted"),
    ("\na = " + "{a = " * 5000, "line 2 has too many brackets"),
    ("[" + ".".join("a" * 5000) + "]", "line 1 has too many parts of a key"),
    ("[[" + ".".join("a" * 5000) + "]]", "line 1 has too many parts of a key"),
    (".".join("a" * 20_000) + " = 1", "line 1 has too many parts of a key"),
    ("a = {" + (".".join("a" * 40) + " = {") * 40 + "}" * 41, "too many tables within one another at a.a.a."),
    ("a = [" + "1, " * 150_000 + "]", "the list a has 150,000 values, and 100,000 are the most"),
    ("a = " + '"""' + '\\"""' * 100_000, "this is not TOML"),
    (f"a = {HEX}", "this is not TOML: the whole number a goes on and on"),
    ("#" * 17_000_000, "this file is larger than 16 MB"),
]
"""What a file holds, and a part of what is said of it."""

VALUES = [
    ("extends", f"'{LONG}'", "cannot be read: File name too long"),
    ("model.names", f"['{LONG}']", "names no model"),
    ("model.names", f"['./{LONG}']", "there is no model at '"),
    ("model.names", f"['pythia:{'*a' * 2500}']", "fits no model"),
    ("model.names", f"['{LONG}:*']", "no family of models"),
    ("model.names", f"[{HEX}]", "names no model"),
    ("model.revision", f"'{LONG}'", "is no branch, tag or commit"),
    ("model.device", f"'{LONG}'", "is no device"),
    ("model.dtype", f"'{LONG}'", "is not possible here"),
    ("damage.0.method", f"'{LONG}'", "there is no method"),
    ("damage.0.groups", f"['{LONG}']", "there is no parameter group"),
    ("damage.0.options", f"{{{LONG} = 1}}", "has no options"),
    (
        "damage.0",
        f"{{method = 'uni_quant', groups = ['all'], levels = [4], options = {{per = {NUMBER}}}}}",
        "not possible",
    ),
    ("damage.0.levels", f"[{NUMBER}]", "must be a number, not 1000"),
    ("damage.0.levels", "{from = 0, to = 1, steps = 999999999}", "must be at most 10000, not 999999999"),
    ("damage.0.layers", f"'{LONG}'", "names no layers"),
    ("damage.0.layers", str([1] * 5000), "names a layer twice"),
    ("damage.0.layers", "'0-99999999'", "go beyond any model: numbers below 10,000 are accepted"),
    ("damage.0.layers", f"'0-{DIGITS}'", "go beyond any model"),
    ("damage.0.layers", f"'{DIGITS}'", "go beyond any model"),
    ("damage.0.layers", f"'last {DIGITS}'", "go beyond any model"),
    ("damage.0.layers", HEX, "names no layers"),
    ("damage.0.layers", NUMBER, "go beyond any model"),
    ("damage.0.each_layer", "'0-99999999'", "go beyond any model"),
    ("damage.0.heads", "'0-99999999'", "heads '0-99999999' go beyond any model"),
    ("damage.0.select", f"{{by = 'random', k = {NUMBER}}}", "must be at most 1000000000000"),
    ("damage.0.select", f"{{by = 'random', k = {list(range(1, 20_000))}}}", "lists 19,999 numbers, and 10,000 are"),
    ("damage.0.select", "{by = 'coordinates', coordinates = [['a', 99999999999999999]]}", "whole numbers"),
    ("seeds.count", HEX, "must be a whole number, not '0xfff"),
    ("seeds.count", NUMBER, "must be at most 100000, not 1000"),
    ("measure.0.text", f"'{LONG}'", "there is no text"),
    ("measure.0.text", f"'./{LONG}'", "there is no file"),
    (PICTURE, f"'./{LONG}.png'", "there is no file"),
    ("measure.1.prompts", f"'{LONG}'", "there is no prompt set"),
    ("measure.1", "{name = 'spectrum', layers = '0-99999999'}", "go beyond any model"),
    ("measure.1", "{name = 'ranking', layers = '0-99999999'}", "go beyond any model"),
    ("measure.1", f"{{name = 'lm_eval', tasks = ['x'], include_path = '/{LONG}'}}", "there is no folder"),
    (LONG, "1", "there is no such key"),
]
"""A key, what it is set to, and a part of what is said of it."""

NULS = [
    ("extends", '"a\\u0000b"'),
    ("name", '"a\\u0000b"'),
    ("model.names", '["a\\u0000b"]'),
    ("model.names", '["./a\\u0000b"]'),
    ("model.names", '["~a\\u0000b"]'),
    ("model.revision", '"a\\u0000b"'),
    ("damage.0.select", '{by = "top_k", k = 1, score = "grad_x_weight", text = "./a\\u0000b"}'),
    ("measure.0.text", '"a\\u0000b.txt"'),
    ("measure.0.label", '"a\\u0000b"'),
    ("measure.1.prompts", '"./a\\u0000b"'),
    (PICTURE, '"./a\\u0000b.png"'),
    ("measure.1", '{name = "tasks", task = "./a\\u0000b"}'),
    ("measure.1", '{name = "lm_eval", tasks = ["x"], include_path = "./a\\u0000b"}'),
]

ARGUMENTS = [
    (".".join("a" * 20_000) + "=1", "a key of 20,000 parts; at most 50 are accepted"),
    ("a=" + "[" * 5000, "too many brackets"),
    ("a={" + ".".join("a" * 20_000) + "=1}", "too many parts of a key"),
    (LONG, "write it as key=value"),
    (f"seeds.count={LONG}", "must be a whole number"),
    (f"damage.{DIGITS}.levels=[1]", "there is no entry"),
    (f"{LONG}.{DIGITS}.levels=[1]", "the profile has no x"),
    ("description=\udcff", "this is not text in UTF-8"),
    ("a\udcff=1", "this is not text in UTF-8"),
]


def is_short(error: LesionError) -> bool:
    """Whether it is one line of a length that is read: a path, a key, a quotation or two, and what is accepted."""
    return "\n" not in str(error) and len(str(error)) < 700


@pytest.mark.parametrize(("text", "sentence"), TEXTS, ids=[sentence for _, sentence in TEXTS])
def test_a_text_too_deep_or_too_large(base: Path, text: str, sentence: str) -> None:
    base.write_text(text)
    with pytest.raises(LesionError) as caught:
        load(base)
    assert str(caught.value).startswith(f"{base}: ")
    assert sentence in str(caught.value)
    assert is_short(caught.value)


@pytest.mark.parametrize(("key", "value", "sentence"), VALUES, ids=[f"{key[:20]} {part}" for key, _, part in VALUES])
def test_a_value_beyond_all_bounds(refusal: Refusal, key: str, value: str, sentence: str) -> None:
    error = refusal(f"{key}={value}")
    assert sentence in str(error)
    assert is_short(error)


@pytest.mark.parametrize(("key", "value"), NULS, ids=[key for key, _ in NULS])
def test_a_name_with_nul_in_it(refusal: Refusal, key: str, value: str) -> None:
    error = refusal(f"{key}={value}")
    assert error.field is not None
    assert error.field.startswith(key)
    assert "\0" not in str(error)
    assert is_short(error)


@pytest.mark.parametrize(("argument", "sentence"), ARGUMENTS, ids=[sentence for _, sentence in ARGUMENTS])
def test_an_override_beyond_all_bounds(refusal: Refusal, argument: str, sentence: str) -> None:
    error = refusal(argument)
    assert sentence in str(error)
    assert is_short(error)


def test_what_looks_deep_in_strings_and_comments_is_not() -> None:
    deep = "." * 5000 + "{[" * 200
    basic = f'# {deep}\na = "{deep}"\nb = """\n{deep} \\""" "" """\n'
    literal = f"c = '{deep}'\nd = '''{deep}'''\n"
    short = "e = [" + "0.5, " * 500 + "]\n[f.g.h]\n" + "i.j = 1.5\n"
    assert loads(basic + literal + short) == tomllib.loads(basic + literal + short)


def test_the_depth_that_is_accepted() -> None:
    loads("a = " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1))
    with pytest.raises(TooMuchError):
        loads("a = " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))


def test_chains_and_circles_of_profiles(tmp_path: Path, base: Path) -> None:
    for number in range(1, 300):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"\n')
    (tmp_path / "300.toml").write_text(base.read_text())
    assert load(tmp_path / "290.toml").name == "base"
    with pytest.raises(LesionError, match="extends: more than 20 profiles extend one another") as caught:
        load(tmp_path / "1.toml")
    assert is_short(caught.value)
    (tmp_path / "300.toml").write_text('extends = "299.toml"')
    with pytest.raises(LesionError, match=r"cannot extend itself: 299.toml extends 300.toml extends 299.toml"):
        load(tmp_path / "299.toml")
    (tmp_path / "link.toml").symlink_to("link.toml")
    base.write_text('extends = "link.toml"')
    with pytest.raises(LesionError, match="cannot be read: Too many levels of symbolic links"):
        load(base)


@pytest.mark.parametrize(("other", "kind"), [("pipe.toml", "a named pipe"), ("/dev/zero", "a device")])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, base: Path, other: str, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    base.write_text(f'extends = "{other}"')
    with pytest.raises(LesionError, match=f"{other}' cannot be read: it is {kind}, not a file"):
        load(base)


def test_ten_faults_are_told_and_the_others_counted(base: Path) -> None:
    base.write_text("".join(f"k{number} = 1\n" for number in range(47)) + base.read_text())
    with pytest.raises(LesionError) as caught:
        load(base)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[1] for line in lines[:-1]] == [f"k{number}" for number in range(10)]
    assert lines[-1] == f"{base}: and 37 more"
    assert caught.value.field == "k0"


def test_a_hundred_thousand_faults(refusal: Refusal) -> None:
    error = refusal(f"model.names={list(range(90_000))}")
    assert str(error).splitlines()[-1].endswith(": and 89,990 more")


def test_more_trials_than_the_limit_are_counted_and_not_made(
    refusal: Refusal, with_set: Callable[..., Profile]
) -> None:
    many = ["damage.0.levels={from=0, to=1, steps=10000}", "damage.0.each_layer=0-9999", "seeds.count=100000"]
    error = refusal(*many)
    assert error.field == "run.limit"
    # Of 10,000 levels, layers and 100,000 seeds each; and a baseline a seed, as generation draws.
    assert "this profile makes 10,000,000,100,000 trials, and 1,000,000 is the limit" in str(error)
    assert "raise run.limit" in str(error)
    assert "at least 10,000,000,100,000 trials" in str(refusal(*many, "model.load_in='8bit'"))
    assert "makes 6 trials, and 5 is the limit" in str(refusal("seeds.count=2", "run.limit=5"))
    assert with_set("seeds.count=2", "run.limit=6")
    assert with_set("seeds.count=100000", "damage.0.levels=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]", "run.limit=2000000")


@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["seeds.count=3", "measure.1.sample=false"],
        ["seeds.count=3", "model.load_in='8bit'", "damage.0.groups=['attn_only', 'norms']"],
        [
            "damage.0.each_layer='1-3'",
            "damage.0.select={by='random', k=[1, 5]}",
            "model.names=['petri-4k', 'petri-1m']",
        ],
        ["damage.0={method='none'}"],
    ],
)
def test_the_count_is_that_of_the_list(with_set: Callable[..., Profile], changes: list[str]) -> None:
    profile = with_set(*changes)
    assert profile.trial_count == len(trials(profile))


def test_the_limit_is_no_part_of_what_a_trial_is(base: Path, with_set: Callable[..., Profile]) -> None:
    assert trials(with_set("run.limit=1000")) == trials(load(base))
    assert "limit = 1000\n" in to_toml(with_set("run.limit=1000"))


def test_no_run_is_made_of_a_profile_that_could_not_be_read_again(
    with_set: Callable[..., Profile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = with_set(f"damage.0.select={{by='random', k={list(range(1, 200))}}}")
    monkeypatch.setattr("engine.profile.toml.LARGEST_FILE", 20_000)
    with pytest.raises(LesionError, match=r"has 199 damages and 26.7 kB; 100,000 and 20.0 kB are the most"):
        create(profile, tmp_path / "results", source=None)
    assert not any((tmp_path / "results").iterdir())
