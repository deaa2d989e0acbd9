"""The parts of a model, found from its own modules, and parameter groups as slices of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch.nn import Module, ModuleList

from engine import catalog
from engine.errors import LesionError
from engine.models.layout import BlockWeights, Layout
from engine.models.slices import Part, Slice
from engine.profile.layers import Layers, parse_layers


@dataclass(frozen=True)
class Architecture:
    """The parts of one model.

    `weights[i]` are the matrices of block i; `decoder` is the module that owns the blocks; `context` is the longest
    text in tokens that the model was made for; `tied`: embedding and unembedding are one tensor.
    """

    name: str
    decoder: Module
    blocks: list[Module]
    weights: list[BlockWeights]
    embedding: Module
    head: Module
    context: int
    tied: bool
    names: dict[int, str]
    """Parameter names by `id`; a tensor with two names has the first in `named_parameters()`."""

    def slices(self, group: str, layers: Layers | None = None) -> list[Slice]:
        """The slices of a parameter group, in the model's order, each tensor once; narrowed to `layers` where given.

        Groups other than `all` hold weight matrices, not biases. Raises LesionError for a group that does not exist,
        layers the model does not have, and layers of the embedding.
        """
        catalog.group(group)
        if layers is not None and group == "embed_only":
            raise LesionError("embed_only is the token embedding, which is in no layer: leave `layers` out")
        chosen = range(len(self.blocks)) if layers is None else parse_layers(layers, len(self.blocks))
        if group == "embed_only":
            return [self._slice(Part(self.embedding.weight), None)]  # type: ignore[arg-type]
        if group == "all":
            return self._everything() if layers is None else self._block_parameters(chosen)
        return [self._slice(part, layer) for layer in chosen for part in _parts(self.weights[layer], group)]

    def _slice(self, part: Part, layer: int | None) -> Slice:
        return Slice(self.names[id(part.tensor)], part.tensor, part.dim, part.ranges, layer)

    def _block_parameters(self, layers: Iterable[int]) -> list[Slice]:
        return [
            self._slice(Part(parameter), layer) for layer in layers for parameter in self.blocks[layer].parameters()
        ]

    def _everything(self) -> list[Slice]:
        layer_of = {id(p): i for i, block in enumerate(self.blocks) for p in block.parameters()}
        found = {id(p): p for part in (self.decoder, self.embedding, self.head) for p in part.parameters()}
        return [self._slice(Part(p), layer_of.get(key)) for key, p in found.items()]


def architecture(model: Any) -> Architecture:
    """The architecture of a causal language model, whatever its class is called.

    Raises LesionError, naming the class and what is supported, where no layout fits the modules.
    """
    decoder, embedding, head = model.get_decoder(), model.get_input_embeddings(), model.get_output_embeddings()
    for info in catalog.architectures().values():
        layout: Layout = catalog.load(info.implementation)
        found = _recognise(layout, decoder)
        if found and embedding is not None and head is not None:
            blocks, weights = found
            tied = embedding.weight is head.weight
            names = {id(parameter): name for name, parameter in model.named_parameters()}
            context = _context(model.config)
            return Architecture(layout.name, decoder, blocks, weights, embedding, head, context, tied, names)
    known = ", ".join(f"{info.name} ({info.families})" for info in catalog.architectures().values())
    raise LesionError(f"the architecture of {type(model).__name__} is not supported; supported are {known}")


def _recognise(layout: Layout, decoder: Any) -> tuple[list[Module], list[BlockWeights]] | None:
    try:
        blocks = layout.blocks(decoder)
        if not isinstance(blocks, ModuleList) or not len(blocks):
            return None
        weights = [layout.weights(block) for block in blocks]
    except AttributeError:
        return None
    fitting = [found for found in weights if found is not None]
    return (list(blocks), fitting) if len(fitting) == len(blocks) else None


def _parts(weights: BlockWeights, group: str) -> tuple[Part, ...]:
    return {
        "attn_only": (weights.v,),
        "mlp_only": weights.mlp,
        "attn_q": (weights.q,),
        "attn_k": (weights.k,),
        "attn_v": (weights.v,),
        "attn_o": (weights.o,),
        "attn_all": (weights.q, weights.k, weights.v, weights.o),
    }[group]


def _context(config: Any) -> int:
    """The number of positions; 2048 where the configuration sets no bound."""
    return int(getattr(config.get_text_config(), "max_position_embeddings", None) or 2048)
