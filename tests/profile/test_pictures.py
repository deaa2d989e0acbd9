"""The picture of a generation measurement: which files are accepted, what keys depend on, what travels with a run."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from engine import catalog
from engine.errors import LesionError
from engine.measure.generation.table import GenerationMeasure
from engine.profile import Profile, load, localise, parse, to_toml, trials
from engine.profile.pictures import picture_bytes

HUB = "model.names=['google/gemma-3-4b-it']"
Refusal = Callable[..., LesionError]


@pytest.fixture
def drawn(base: Path) -> Path:
    """A folder beside base.toml with one.png, two.JPG, three.webp and files that are no picture."""
    for number, name in enumerate(("one.png", "two.JPG", "three.webp")):
        Image.new("RGB", (9, 7), (50 * number, 0, 0)).save(base.parent / name)
    (base.parent / "words.png").write_text("no picture at all")
    Image.effect_noise((60, 60), 40).convert("RGB").save(base.parent / "whole.png")
    whole = (base.parent / "whole.png").read_bytes()
    (base.parent / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (9, 7)).save(base.parent / "moving.gif")
    (base.parent / "gif.png").write_bytes((base.parent / "moving.gif").read_bytes())
    return base.parent


def shown(base: Path, image: str, *more: str) -> Profile:
    return load(base, [HUB, f"measure=[{{name='generation', image={image!r}}}]", *more])


def keys(profile: Profile) -> list[str]:
    return [trial.key for trial in trials(profile)]


def test_pictures_count_by_content_not_by_place(base: Path, drawn: Path) -> None:
    first = keys(shown(base, str(drawn / "one.png")))
    (drawn / "sub").mkdir()
    (drawn / "sub" / "other.png").write_bytes((drawn / "one.png").read_bytes())
    assert keys(shown(base, str(drawn / "sub" / "other.png"))) == first
    others = [keys(shown(base, str(drawn / name))) for name in ("two.JPG", "three.webp")]
    none = keys(load(base, [HUB, "measure=[{name='generation', prompts='picture'}]"]))
    assert len({str(found) for found in [first, *others, none]}) == 4


def test_a_picture_asks_for_the_picture_prompts(base: Path) -> None:
    [measure] = shown(base, "garden").measure
    assert isinstance(measure, GenerationMeasure)
    assert (measure.image, measure.prompts) == ("garden", "picture")
    assert "image" in tomllib.loads(to_toml(shown(base, "garden")))["measure"][0]


def test_paths_start_from_the_profiles_folder(base: Path, drawn: Path) -> None:
    base.write_text(base.read_text().replace('prompts = ["a", "b"]', 'prompts = ["a", "b"]\nimage = "one.png"'))
    measure = load(base, [HUB]).measure[1]
    assert getattr(measure, "image", None) == str(drawn / "one.png")


def test_a_picture_travels_with_its_run(base: Path, drawn: Path, tmp_path: Path) -> None:
    (drawn / "asked.txt").write_text("what is this?\n")
    asked = f"{{name='generation', image='{drawn}/one.png', prompts='{drawn}/asked.txt'}}"
    profile = load(base, [HUB, f"measure=[{asked}]"])
    run = tmp_path / "run"
    run.mkdir()
    (run / "profile.toml").write_text(to_toml(localise(profile, run)))
    (drawn / "one.png").unlink()
    again = parse(tomllib.loads((run / "profile.toml").read_text()), "again", run)
    [measure] = again.measure
    assert isinstance(measure, GenerationMeasure)
    assert (measure.image, measure.prompts) == (str(run / "inputs/one.png"), str(run / "inputs/asked.txt"))
    assert keys(again) == keys(parse(tomllib.loads(to_toml(again)), "twice", run))


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        ("gardn", "there is no picture 'gardn', and no such file either; did you mean 'garden'?"),
        ("lost.png", "lost.png'; a picture is a file or one of: garden"),
        ("", "there is no picture ''"),
    ],
)
def test_pictures_that_are_not_there_are_named(refusal: Refusal, image: str, sentence: str) -> None:
    error = refusal(HUB, f"measure=[{{name='generation', image={image!r}}}]")
    assert error.field == "measure.0.image"
    assert sentence in str(error)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("words.png", "is no picture that can be read: give a PNG, JPEG or WebP picture"),
        ("cut.png", "is damaged ("),
        ("gif.png", "is no picture that can be read"),
    ],
)
def test_files_that_hold_no_picture_are_named_before_anything_is_loaded(
    base: Path, drawn: Path, file: str, sentence: str
) -> None:
    with pytest.raises(LesionError) as caught:
        trials(shown(base, str(drawn / file)))
    assert str(drawn / file) in str(caught.value)
    assert sentence in str(caught.value)


def test_models_known_to_be_blind_are_refused(base: Path, refusal: Refusal, tmp_path: Path) -> None:
    shows = "measure=[{name='generation', image='garden'}]"
    error = refusal(shows)
    assert error.field == "measure.0.image"
    assert "petri-16k takes no pictures: the petri models read text only; name an image-text model" in str(error)
    (tmp_path / "text").mkdir()
    assert "holds neither processor_config.json nor" in str(refusal(shows, f"model.names=['{tmp_path}/text']"))
    (tmp_path / "m.gguf").touch()
    assert ".gguf file holds the language model alone" in str(refusal(shows, f"model.names=['{tmp_path}/m.gguf']"))
    (tmp_path / "text" / "preprocessor_config.json").touch()
    load(base, [shows, f"model.names=['{tmp_path}/text']"])


def test_an_old_run_is_read_without_its_picture(base: Path) -> None:
    gone = load(base, ["measure=[{name='generation', image='./gone.png'}]"], must_exist=False)
    assert getattr(gone.measure[0], "image", "").endswith("gone.png")


@pytest.mark.parametrize("name", list(catalog.pictures()))
def test_bundled_pictures_are_pictures(name: str) -> None:
    assert picture_bytes(name, Path()).startswith(b"\x89PNG")
