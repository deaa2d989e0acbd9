"""Models in 8-bit and 4-bit codes: read by hand, damaged through numbers, and put back bit for bit."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bitsandbytes import functional
from torch.nn import Parameter

from engine import catalog
from engine.errors import LesionError
from engine.methods import apply
from engine.methods.choosing import choose
from engine.models import packing
from engine.models.estimate import survey_model
from engine.models.loading import LoadedModel
from engine.profile import ModelSpec, Select
from engine.scores import ScoreSpec, select
from engine.weights.dense import dense
from engine.weights.draws import Draws
from engine.weights.packed import packed_weights, parameter_count
from engine.weights.slices import Slice
from engine.weights.snapshot import Snapshot, digest, weights_digest
from tests.models.codes import NF4, by_hand, loaded, widened

FAMILIES = ("neox", "llama", "gpt2")
FORMATS: tuple[dict[str, Any], ...] = (
    {"load_in": "8bit"},
    {"load_in": "4bit"},
    {"load_in": "4bit", "double_quant": True},
)
Wide = Callable[[str], Path]


@pytest.fixture(scope="module")
def wide(tiny_models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Wide:
    root = tmp_path_factory.mktemp("wide")
    made = {name: widened(tiny_models[name], root / name) for name in FAMILIES}
    return lambda name: made[name]


def groups_of(model: LoadedModel) -> list[Slice]:
    return [*model.architecture.slices("attn_q", layers=(1,)), *model.architecture.slices("mlp_only")]


def logits(model: LoadedModel) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model.model(torch.arange(100, 160)[None]).logits.double()
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("load_in", ["8bit", "4bit"])
def test_numbers_are_codes_times_scales_in_the_ordinary_models_shape(wide: Wide, family: str, load_in: str) -> None:
    packed, ordinary = loaded(wide(family), load_in), loaded(wide(family), "none")
    weights = dict(ordinary.model.named_parameters())
    found = packed_weights(packed.model)
    assert len(found) == {"neox": 8, "llama": 14, "gpt2": 8}[family]
    for name, weight in found.items():
        hand = by_hand(weight.module)
        hand = hand.T if family == "gpt2" else hand
        assert tuple(weight.shape) == tuple(weights[name].shape)
        np.testing.assert_allclose(weight.unpack().double().numpy(), hand, rtol=1e-6)
        off = np.abs(hand - weights[name].detach().double().numpy()).max()
        assert 0 < off < (0.01 if load_in == "8bit" else 0.16) * np.abs(hand).max()


@pytest.mark.parametrize("family", FAMILIES)
def test_slices_mean_the_same_weights_as_in_the_ordinary_model(wide: Wide, family: str) -> None:
    packed, ordinary = loaded(wide(family), "4bit").architecture, loaded(wide(family), "none").architecture
    alike = Parameter(torch.empty(0))  # apart from the tensors, which are compared below
    for group in ("attn_q", "attn_k", "attn_v", "attn_o", "mlp_only", "norms", "matrices", "all", "embed_only"):
        heads = (1,) if group in ("attn_q", "attn_v", "attn_o") else None
        ours, theirs = packed.slices(group, heads=heads), ordinary.slices(group, heads=heads)
        assert [replace(one, tensor=alike, packed=None) for one in ours] == [
            replace(one, tensor=alike) for one in theirs
        ]
        assert [one.shape for one in ours] == [one.shape for one in theirs]
        assert any(one.packed for one in ours) == catalog.group(group).packable
    assert parameter_count(loaded(wide(family), "8bit").model) == parameter_count(loaded(wide(family), "none").model)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("load_in", ["8bit", "4bit"])
def test_damage_is_what_bitsandbytes_makes_of_numbers_damaged_by_hand(wide: Wide, family: str, load_in: str) -> None:
    model = loaded(wide(family), load_in)
    piece = model.architecture.slices("attn_v", layers=(1,))[0]
    assert piece.packed is not None
    numbers = torch.from_numpy(by_hand(piece.packed.module)).float()
    numbers = numbers.mT if family == "gpt2" else numbers
    like = replace(piece, tensor=Parameter(numbers.contiguous(), requires_grad=False), packed=None)
    like.scatter(like.gather() * (1 + 0.3 * Draws(7).normal(like)))
    changed = (like.tensor.mT if family == "gpt2" else like.tensor).contiguous()

    assert apply("mult_gauss", [piece], 0.3, seed=7) == piece.numel
    stored = piece.packed.tensors()
    if load_in == "4bit":
        codes, state = functional.quantize_4bit(changed, quant_type="nf4")
        scales = state.absmax
    else:
        codes, scales, _ = functional.int8_vectorwise_quant(changed.half())
    assert (stored["codes"] != codes).float().mean() < 1e-3  # a number on the edge between two codes, by rounding
    np.testing.assert_allclose(list(stored.values())[1].numpy(), scales.numpy(), rtol=1e-3)


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_every_method_is_undone_bit_for_bit(wide: Wide, form: dict[str, Any]) -> None:
    model = loaded(wide("neox"), **form)
    logits(model)  # what a first forward pass changes in bitsandbytes is changed by now
    before, exact = digest(model.model), weights_digest(model.model)
    slices = groups_of(model)
    snapshot = Snapshot(slices)
    wanted = Select(by="top_k", k=50, score="magnitude")
    largest = choose(wanted, slices, model, Draws(1), in_order=True)
    levels = {"scale": 0.5, "svd_truncate": 0.5, "uni_quant": 4, "uni_quant_lineal": 4, "bit_flips": 3}
    for info in catalog.methods().values():
        if info.level is None or info.acts_on in ("blocks", "model"):
            continue
        level = levels.get(info.name, 0.5)
        if not info.on_codes:
            with pytest.raises(LesionError, match="stored as codes"):
                apply(info.name, slices, level, 1)
            continue
        ranked = info.acts_on == "selection"
        touched = apply(info.name, slices, level, 1, selection=largest if ranked else None)
        assert touched == (25 if ranked else sum(piece.numel for piece in slices)), info.name
        assert digest(model.model) != before, info.name
        snapshot.restore()
        assert (digest(model.model), weights_digest(model.model)) == (before, exact), info.name


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_a_scale_that_stayed_changed_shows_in_both_digests(wide: Wide, form: dict[str, Any]) -> None:
    model = loaded(wide("llama"), **form)
    before, exact = digest(model.model), weights_digest(model.model)
    weight = next(iter(packed_weights(model.model).values()))
    for name, tensor in weight.tensors().items():
        kept = tensor.clone()
        tensor.view(-1)[0] = tensor.view(-1)[0] * 2 + 1
        assert digest(model.model) != before, name
        assert weights_digest(model.model) != exact, name
        tensor.copy_(kept)
    assert (digest(model.model), weights_digest(model.model)) == (before, exact)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_level_0_is_requantising_and_more_does_more(wide: Wide, family: str, form: dict[str, Any]) -> None:
    model = loaded(wide(family), **form)
    slices = groups_of(model)
    snapshot, healthy = Snapshot(slices), logits(model)
    before = digest(model.model)
    assert apply("requantise", slices, None, 1) == sum(piece.numel for piece in slices)
    rounded = digest(model.model)
    assert (rounded == before) == (not form.get("double_quant"))
    snapshot.restore()
    drift = []
    for level in (0.0, 0.05, 0.2, 0.8):
        assert apply("mult_gauss", slices, level, 3) == (sum(piece.numel for piece in slices) if level else 0)
        if level == 0:
            assert digest(model.model) == rounded
        now = logits(model)
        drift.append(float((healthy.softmax(-1) * (healthy.log_softmax(-1) - now.log_softmax(-1))).sum(-1).mean()))
        snapshot.restore()
    assert 0 <= drift[0] < drift[1] < drift[2] < drift[3]
    assert digest(model.model) == before


@pytest.mark.parametrize("load_in", ["8bit", "4bit"])
def test_zeros_and_numbers_that_are_none_survive_the_codes(wide: Wide, load_in: str) -> None:
    model = loaded(wide("gpt2"), load_in)
    slices = model.architecture.slices("mlp_down")
    snapshot = Snapshot(slices)
    apply("ablation", slices, 1.0, 1)
    assert all(not piece.gather().any() for piece in dense(slices))
    snapshot.restore()
    piece = slices[0]
    assert piece.packed is not None
    numbers = piece.packed.unpack()
    numbers[0, 0] = torch.inf
    piece.packed.pack(numbers)
    assert piece.packed.unpack().isnan().any()
    assert logits(model).isnan().all()


def test_select_by_size_reads_numbers_and_gradients_are_refused(wide: Wide) -> None:
    model = loaded(wide("gpt2"), "8bit")
    slices = model.architecture.slices("mlp_up")
    chosen = select(slices, model, ScoreSpec("magnitude"), 20, largest=True, scope="per_tensor")
    for piece in slices:
        assert piece.packed is not None
        sizes = np.abs(by_hand(piece.packed.module).T.reshape(-1))
        picked = np.zeros(sizes.size, bool)
        picked[chosen[piece.parameter].numpy()] = True
        assert picked.sum() == 20
        assert sizes[picked].min() >= sizes[~picked].max() * (1 - 1e-6)
    ranked = select(slices, model, ScoreSpec("act_magnitude", text="petri", documents=1), 5, largest=True)
    assert sum(map(len, ranked.values())) == 5
    with pytest.raises(LesionError, match=r"grad_squared needs gradients.*give one of magnitude, act_magnitude"):
        select(slices, model, ScoreSpec("grad_squared"), 5, largest=True)


def test_models_stored_in_codes_load_as_what_they_are(wide: Wide, tmp_path: Path) -> None:
    for load_in in ("4bit", "8bit"):
        made, folder = loaded(wide("gpt2"), load_in), tmp_path / load_in
        made.model.save_pretrained(folder)
        for file in wide("gpt2").glob("tokenizer*"):
            shutil.copy(file, folder)
        again = loaded(folder, load_in)
        assert torch.equal(logits(made), logits(again))
        assert apply("ablation", again.architecture.slices("attn_v"), 0.5, 1)
        for other in {"none", "8bit", "4bit"} - {load_in}:
            with pytest.raises(LesionError, match=rf'is stored in .-bit codes: set model.load_in = "{load_in}"'):
                loaded(folder, other)
    config = json.loads((wide("gpt2") / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "gptq"}}))
    with pytest.raises(LesionError, match="is stored quantised as gptq, which cannot be damaged"):
        loaded(folder, "none")


def block_by_block(
    codes: torch.Tensor, scales: torch.Tensor, block: int, _: str, shape: Any, dtype: Any
) -> torch.Tensor:
    """Codes of 4 bits as they are meant: as processors without AVX-512 read them."""
    return scales.repeat_interleave(block).view(shape).to(dtype) * numbers_of(codes).view(shape).to(dtype)


def row_by_row(codes: torch.Tensor, scales: torch.Tensor, block: int, _: str, shape: Any, dtype: Any) -> torch.Tensor:
    """As bitsandbytes 0.50 reads them with AVX-512: as if every row held a whole number of blocks."""
    rows, columns = shape
    at = torch.arange(rows)[:, None] * (columns // block) + torch.arange(columns) // block
    return scales[at].to(dtype) * numbers_of(codes).view(shape).to(dtype)


def numbers_of(codes: torch.Tensor) -> torch.Tensor:
    pairs = codes.flatten().long()
    return torch.from_numpy(NF4)[torch.stack([pairs >> 4, pairs & 15], 1).flatten()]


@pytest.fixture(params=[None, block_by_block, row_by_row], ids=["this processor", "without AVX-512", "with AVX-512"])
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    """What bitsandbytes reads codes of 4 bits with on the CPU."""
    library = torch.library.Library("bitsandbytes", "IMPL")
    if request.param:
        library.impl("dequantize_4bit", request.param, "CPU")
    packing._misread.cache_clear()
    yield
    library._destroy()
    packing._misread.cache_clear()


@pytest.mark.filterwarnings("ignore:Warning only once for all operators")
@pytest.mark.usefixtures("kernel")
def test_shapes_are_refused_where_the_processor_misreads_them_and_run_where_it_does_not() -> None:
    numbers = torch.from_numpy(np.random.default_rng(1).normal(size=(64, 96))).float()
    codes, state = functional.quantize_4bit(numbers, quant_type="nf4")
    meant = block_by_block(codes, state.absmax, 64, "nf4", (64, 96), torch.float32)
    spec = ModelSpec(names=("petri-1m",), load_in="4bit", device="cpu")
    if torch.allclose(functional.dequantize_4bit(codes, state), meant, rtol=1e-5):
        for weight in packed_weights(loaded("petri-1m", "4bit").model).values():
            np.testing.assert_allclose(weight.unpack().double().numpy(), by_hand(weight.module), rtol=1e-5)
        survey_model(spec, "petri-1m", [], [])
    else:
        for refused in (lambda: loaded("petri-1m", "4bit"), lambda: survey_model(spec, "petri-1m", [], [])):
            with pytest.raises(LesionError, match=r"petri-1m cannot run in 4bit on this processor.* of 96 columns"):
                refused()
    assert packed_weights(loaded("petri-1m", "8bit").model)


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_the_estimate_is_what_loading_takes(wide: Wide, form: dict[str, Any]) -> None:
    name = str(wide("gpt2"))
    model = loaded(name, **form).model
    packed = packed_weights(model)
    true = sum(t.nbytes for weight in packed.values() for t in weight.tensors().values())
    true += sum(p.nbytes for n, p in model.named_parameters() if n not in packed)
    estimate = survey_model(
        ModelSpec(names=(name,), dtype="float32", device="cpu", **form), name, [("mlp_only", None, None, None)], []
    )
    assert estimate.parameters == parameter_count(model)
    assert estimate.weights_bytes == pytest.approx(true, rel=0.01)
    assert any("of the weights are stored in" in note for note in estimate.notes)
