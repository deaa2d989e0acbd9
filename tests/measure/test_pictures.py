"""Prompts about a picture: what is seen, what is written alone and batched, and what damage leaves alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import LesionError
from engine.measure.generation.decoding import write_on
from engine.measure.generation.pictures import Encoded
from engine.measure.generation.run import Generation
from engine.measure.generation.sampling import greedy
from engine.measure.generation.table import GenerationMeasure
from engine.measure.perplexity.run import Perplexity
from engine.measure.perplexity.table import PerplexityMeasure
from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec
from engine.profile.pictures import picture_bytes
from engine.weights.snapshot import Snapshot
from tests import seeing

PROMPTS = ("what is it?", "Describe this picture, please.", "a", "colours", "who is there", "Tell me all")
TOKENS = 4
"""A picture's, in these models."""


@pytest.fixture(scope="module")
def seen(seeing_models: dict[str, Path]) -> dict[str, LoadedModel]:
    return {kind: open_model(folder) for kind, folder in seeing_models.items()}


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one.png, two.jpg and three.webp."""
    folder = tmp_path_factory.mktemp("drawings")
    for number, name in enumerate(("one.png", "two.jpg", "three.webp")):
        seeing.picture(number).save(folder / name)
    return folder


def open_model(folder: Path) -> LoadedModel:
    return load(ModelSpec(names=(str(folder),)), str(folder), torch.device("cpu"), pictures=True)


def texts(loaded: LoadedModel, image: Path | None, batch_size: int = 40, **options: Any) -> list[dict[str, Any]]:
    given = {"prompts": PROMPTS, "max_new_tokens": 8, "sample": False, "image": str(image) if image else None}
    generation = Generation(GenerationMeasure(**given | options), loaded, Path())
    return generation.run(3, batch_size, lambda done, total: None).texts


def said(records: list[dict[str, Any]]) -> dict[str, str]:
    return {record["prompt"]: record["text"] for record in records}


def by_library(loaded: LoadedModel, prompt: str, image: Any, *, chat: bool = True) -> tuple[int, str]:
    """(tokens in, text) of the library's own processor and greedy decoding."""
    if chat:
        parts = [{"type": "image", "image": image}, {"type": "text", "text": prompt}]
        inputs = loaded.processor.apply_chat_template(
            [{"role": "user", "content": parts}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
    else:
        inputs = loaded.processor(text=loaded.processor.image_token + prompt, images=image, return_tensors="pt")
    length = inputs["input_ids"].shape[1]
    whole = loaded.model.generate(**inputs, do_sample=False, max_new_tokens=8)[0, length:].tolist()
    known = [token for token in whole if token < len(loaded.tokenizer)]
    return length, loaded.tokenizer.decode(known, skip_special_tokens=True)


@pytest.mark.parametrize("kind", seeing.KINDS)
@pytest.mark.parametrize("chat", [True, False])
def test_greedy_is_the_same_alone_batched_and_by_the_library(
    kind: str, chat: bool, seen: dict[str, LoadedModel], drawings: Path
) -> None:
    loaded, image = seen[kind], drawings / "one.png"
    together = texts(loaded, image, chat=chat)
    assert said(texts(loaded, image, batch_size=4, chat=chat)) == said(together)
    assert len(set(said(together).values())) > 1
    for record in together:
        assert said(texts(loaded, image, prompts=(record["prompt"],), chat=chat)) == {record["prompt"]: record["text"]}
        expected = by_library(loaded, record["prompt"], seeing.picture(0), chat=chat)
        assert (record["tokens_in"], record["text"]) == expected
        assert (record["image"], record["image_tokens"]) == ("one.png", TOKENS)


@pytest.mark.parametrize("kind", seeing.KINDS)
def test_what_is_written_depends_on_the_picture(kind: str, seen: dict[str, LoadedModel], drawings: Path) -> None:
    found = [said(texts(seen[kind], drawings / name)) for name in ("one.png", "two.jpg", "three.webp")]
    blind = texts(seen[kind], None, chat=False)
    assert len({str(texts) for texts in [*found, said(blind)]}) == 4
    assert not {"image", "image_tokens"} & set(blind[0])


def test_sampling_follows_the_seed_whatever_the_batch(seen: dict[str, LoadedModel], drawings: Path) -> None:
    first = said(texts(seen["gemma3"], drawings / "one.png", sample=True))
    assert said(texts(seen["gemma3"], drawings / "one.png", sample=True, batch_size=2)) == first
    assert said(texts(seen["gemma3"], drawings / "one.png")) != first


def test_the_bundled_garden_is_shown(seen: dict[str, LoadedModel]) -> None:
    spec = GenerationMeasure(image="garden", prompts="picture", max_new_tokens=4, limit=3)
    record = Generation(spec, seen["gemma3"], Path()).run(0, 4, lambda *_: None).texts[0]
    assert (record["image"], record["image_tokens"], record["prompt_set"]) == ("garden", TOKENS, "picture")


def test_positions_by_time_height_and_width_are_the_librarys() -> None:
    """Qwen2-VL: batched greedy decoding equals the library's, one prompt at a time."""
    model = seeing.qwen2_vl()
    torch.manual_seed(0)
    rows = []
    for words in ([65, 66, 67], [70], [80, 81]):
        ids = [72, 259, *[261] * 6, 260, *words]  # 4 by 6 patches, four of them a token
        kinds = torch.tensor([[int(token == 261) for token in ids]])
        grid, patches = torch.tensor([[1, 4, 6]]), torch.randn(24, 3 * 2 * 14 * 14)
        rows.append(Encoded(ids, {"mm_token_type_ids": kinds, "image_grid_thw": grid, "pixel_values": patches}))
    together = write_on(model, rows, [9] * 3, frozenset(), 0, greedy)
    for row, continuation in zip(rows, together, strict=True):
        prompt = torch.tensor([row.ids])
        given = {"attention_mask": torch.ones_like(prompt), **row.beside}
        whole = model.generate(prompt, **given, do_sample=False, max_new_tokens=9, eos_token_id=None)
        assert continuation.tokens == whole[0, prompt.shape[1] :].tolist()
    assert len({str(row.tokens) for row in together}) > 1


@pytest.mark.parametrize("kind", seeing.KINDS)
@torch.no_grad()
def test_no_group_reaches_the_eyes(kind: str, seen: dict[str, LoadedModel]) -> None:
    """Every weight of the language model is in `all`; none of the vision tower and the projector is in any group."""
    loaded = seen[kind]
    slices = loaded.architecture.slices("all")
    before = {name: parameter.clone() for name, parameter in loaded.model.named_parameters()}
    keep = Snapshot(slices)
    for piece in slices:
        piece.tensor.add_(1)
    changed = {n for n, parameter in loaded.model.named_parameters() if not torch.equal(parameter, before[n])}
    keep.restore()
    assert changed == {name for name in before if "vision" not in name and "projector" not in name}
    assert 0 < len(changed) < len(before)


@pytest.mark.parametrize("kind", seeing.KINDS)
def test_text_alone_goes_on_working(kind: str, seen: dict[str, LoadedModel], seeing_models: dict[str, Path]) -> None:
    loaded = seen[kind]
    spec = PerplexityMeasure(text="english", documents=1, context=64)
    with_processor = Perplexity(spec, loaded, Path())
    folder = str(seeing_models[kind])
    plain = load(ModelSpec(names=(folder,)), folder, torch.device("cpu"))
    assert plain.processor is None
    assert plain.digest == loaded.digest
    for measurement in (with_processor, Perplexity(spec, plain, Path())):
        measurement.prepare(4, lambda *_: None)
    assert with_processor.run(0, 4, lambda *_: None).metrics["perplexity"] > 1
    assert said(texts(plain, None, chat=False)) == said(texts(loaded, None, chat=False))


def test_a_model_that_only_reads_is_refused_before_its_weights(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    for file in tiny_models["llama"].iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(LesionError, match="takes no pictures: it reads text only; name an image-text model"):
        open_model(tmp_path)


def test_a_template_that_leaves_the_picture_out_is_refused(seeing_models: dict[str, Path]) -> None:
    loaded = open_model(seeing_models["llava"])
    loaded.processor.chat_template = "{{ messages[0]['content'][1]['text'] }}"
    with pytest.raises(LesionError, match=r"generation on .*picture"):
        texts(loaded, Path("garden"))


def test_a_picture_that_leaves_no_room_is_refused(seen: dict[str, LoadedModel], drawings: Path) -> None:
    with pytest.raises(LesionError, match="tokens, those of the picture included; 1 to 127 leave room"):
        texts(seen["gemma3"], drawings / "one.png", prompts=("b" * 120,))


def test_the_garden_is_what_its_script_draws() -> None:
    import io

    from PIL import Image, ImageChops

    from engine.data.garden import SIZE, draw

    data = picture_bytes("garden", Path())
    assert len(data) < 50_000
    with Image.open(io.BytesIO(data)) as bundled:
        assert bundled.size == SIZE
        difference = ImageChops.difference(bundled.convert("RGB"), draw().convert("RGB"))
    assert np.asarray(difference).max() < 64  # versions of Pillow differ at edges
