"""The parts of a model, found from its own modules, and parameter groups as slices of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from torch.nn import Module, ModuleList, Parameter
from transformers.pytorch_utils import Conv1D

from engine import catalog
from engine.errors import LesionError
from engine.models.groups import ATTENTION, MLP, accounted, block_parts, norms, of_experts, of_heads
from engine.models.layout import Attention, Layout, Mlp, Sublayer
from engine.profile.layers import Layers, parse_layers
from engine.weights.packed import PackedWeight, packed_weights, standing_in
from engine.weights.slices import Part, Slice


@dataclass(frozen=True)
class Architecture:
    """The parts of one model.

    `attentions[i]` and `mlps[i]` are the parts of block i; `decoder` is the module that owns the blocks; `context` is
    the longest text in tokens that the model was made for; `tied`: embedding and unembedding are one tensor.
    """

    name: str
    decoder: Module
    blocks: list[Module]
    attentions: list[Attention]
    mlps: list[Mlp]
    embedding: Module
    head: Module
    context: int
    tied: bool
    names: dict[int, str]
    """Parameter names by `id`; a tensor with two names has the first in `named_parameters()`."""
    transposed: frozenset[int] = frozenset()
    """The `id` of every matrix that is stored as [inputs, outputs]."""
    packed: dict[str, PackedWeight] = field(default_factory=dict)
    """Packed weights by parameter name."""
    stand_ins: dict[str, Parameter] = field(default_factory=dict)
    """What stands in for each of them, here and in the parts."""

    def attention(self, layer: int) -> Sublayer:
        """Where to hook the attention of a block.

        `entry` receives the normalised residual stream, in most architectures as the keyword `hidden_states` (hook it
        with `with_kwargs=True`). `exit` is the output projection. It returns one tensor, [batch, tokens, hidden],
        without the residual stream, which BLOOM's attention module adds to what it returns. What the block adds to the
        residual stream is that tensor, normalised first in Gemma 2 and 3 and OLMo-2, times a constant in Granite.
        """
        return self.attentions[layer].sublayer

    def mlp(self, layer: int) -> Sublayer:
        """Where to hook the MLP of a block, as `attention` says. `exit` is the down projection, or the module of all
        experts together; only it is without the residual stream in BLOOM and MPT. OPT has no MLP module: `entry` is the
        up projection, and where transformers flattens a batch, both see [batch * tokens, hidden]. Falcon adds to the
        tensor that `exit` returned, in place: copy what a hook keeps.
        """
        return self.mlps[layer].sublayer

    def down(self, layer: int) -> Module | None:
        """The down projection, a linear module; None where experts' matrices are bare parameters."""
        mlp = self.mlps[layer]
        return None if mlp.experts else mlp.sublayer.exit

    def slices(
        self,
        group: str,
        layers: Layers | None = None,
        heads: Layers | None = None,
        experts: Layers | None = None,
    ) -> list[Slice]:
        """The slices of a parameter group, in the model's order, each weight once; narrowed where asked to.

        Groups other than `all` hold weight matrices, or the scales of norms, not biases; `matrices` holds all of the
        former and none of the latter. `heads` are query heads in
        attn_q and attn_o, key-value heads in attn_k and attn_v. Raises LesionError for a group that does not exist, or
        not in this architecture, and for layers, heads and experts that the model or the group does not have.
        """
        catalog.group(group).check(layers=layers, heads=heads, experts=experts)
        if group == "embed_only":
            return [self._slice(Part(self.embedding.weight), None)]  # type: ignore[arg-type]
        if layers is None and group in ("all", "matrices"):
            return _of_group(group, self._everything())
        if layers is None and group == "norms":
            return self._norms()
        chosen = range(len(self.blocks)) if layers is None else parse_layers(layers, len(self.blocks))
        parts = ((part, layer) for layer in chosen for part in self._parts(layer, group, heads, experts))
        slices = _of_group(group, [self._slice(part, layer) for part, layer in parts])
        if not slices:
            raise LesionError(self._missing(group, layers, experts))
        return slices

    def _parts(self, layer: int, group: str, heads: Layers | None, experts: Layers | None) -> Iterable[Part]:
        if heads is not None and group in ATTENTION:
            return of_heads(self.attentions[layer], group, heads)
        if experts is not None and group in MLP:
            return of_experts(self.mlps[layer], group, experts)
        if group == "norms":
            return norms(self.blocks[layer])
        if group in ("all", "matrices"):
            return (Part(parameter) for parameter in self.blocks[layer].parameters())
        return block_parts(self.attentions[layer], self.mlps[layer], group)

    def _missing(self, group: str, layers: Layers | None, experts: Layers | None) -> str:
        what = f"experts of {group}" if experts is not None else group
        where = f"this {self.name} model" if layers is None else f"these layers of this {self.name} model"
        return f"{what} is not applicable to {where}, which has none"

    def _slice(self, part: Part, layer: int | None) -> Slice:
        name = self.names[id(part.tensor)]
        part = replace(part, tensor=self.stand_ins.get(name, part.tensor))
        dim = 0 if part.ranges is None else part.dim
        turned, packed = id(part.tensor) in self.transposed, self.packed.get(name)
        return Slice(name, part.tensor, dim, part.ranges, layer, part.expert, turned, packed)

    def _everything(self) -> list[Slice]:
        parameters = {id(p): p for part in (self.decoder, self.embedding, self.head) for p in part.parameters()}
        return [self._slice(Part(p), self._layer_of().get(key)) for key, p in parameters.items()]

    def _norms(self) -> list[Slice]:
        layer_of = self._layer_of()
        return [self._slice(part, layer_of.get(id(part.tensor))) for part in norms(self.decoder)]

    def _layer_of(self) -> dict[int, int]:
        return {id(p): i for i, block in enumerate(self.blocks) for p in block.parameters()}


def _of_group(group: str, slices: list[Slice]) -> list[Slice]:
    """The slices, of `matrices` those only that are no vectors."""
    return [piece for piece in slices if group != "matrices" or piece.tensor.dim() > 1]


def architecture(model: Any) -> Architecture:
    """The architecture of a causal language model, whatever its class is called.

    Raises LesionError, naming the class and what is supported, where no layout fits the modules.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    with standing_in(model) as stand_ins:
        bare = _fitting(model)
        names |= {id(parameter): name for name, parameter in stand_ins.items()}
    packed = packed_weights(model)
    turned = [part.weight for part in model.modules() if isinstance(part, Conv1D)]
    turned += [stand_ins[name] for name, weight in packed.items() if weight.transposed]
    transposed = frozenset(id(weight) for weight in turned)
    return replace(bare, names=names, transposed=transposed, packed=packed, stand_ins=stand_ins)


def _fitting(model: Any) -> Architecture:
    """The architecture without what is known of single parameters."""
    decoder, embedding, head = model.get_decoder(), model.get_input_embeddings(), model.get_output_embeddings()
    for info in catalog.architectures().values():
        layout: Layout = catalog.load(info.implementation)
        parts = _recognise(layout, decoder)
        if parts and embedding is not None and head is not None:
            tied = embedding.weight is head.weight
            return Architecture(layout.name, decoder, *parts, embedding, head, _context(model.config), tied, {})
    raise LesionError(_unknown(model))


def _recognise(layout: Layout, decoder: Any) -> tuple[list[Module], list[Attention], list[Mlp]] | None:
    try:
        blocks = layout.blocks(decoder)
        if not isinstance(blocks, ModuleList) or not len(blocks):
            return None
        parts = list(_block_parts(layout, blocks))
    except AttributeError:
        return None
    if len(parts) < len(blocks):
        return None
    return list(blocks), [attention for attention, _ in parts], [mlp for _, mlp in parts]


def _block_parts(layout: Layout, blocks: Iterable[Module]) -> Iterator[tuple[Attention, Mlp]]:
    """The parts of each block, as far as they fit and leave no matrix out."""
    for block in blocks:
        attention, mlp = layout.attention(block), layout.mlp(block)
        if attention is None or mlp is None:
            return
        if not accounted(block, (attention.q, attention.k, attention.v, attention.o, *mlp.parts, *mlp.router)):
            return
        yield attention, mlp


def _unknown(model: Any) -> str:
    """Why no layout fits, and what is supported."""
    known = ", ".join(f"{info.name} ({info.families})" for info in catalog.architectures().values())
    name = type(model).__name__
    if any(parameter.rpartition(".")[2] == "A_log" for parameter, _ in model.named_parameters()):
        why = f"{name} is a state-space model: it has layers without attention, and is not supported"
    else:
        why = f"the architecture of {name} is not supported"
    return f"{why}; supported are {known}"


def _context(config: Any) -> int:
    """The number of positions; 2048 where the configuration sets no bound."""
    text = config.get_text_config()
    bounds = (getattr(text, name, None) for name in ("max_position_embeddings", "max_seq_len"))
    return int(next((positions for positions in bounds if positions), 2048))
