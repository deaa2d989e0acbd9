"""The methods: what each does, the meaning of its level, and what it leaves open."""

from dataclasses import replace

from engine.catalog.entries.training import TRAINING
from engine.catalog.infos import MethodInfo
from engine.catalog.levels import LevelInfo

_LARGEST_COUNT = 1e12

_VALUES = LevelInfo(
    "n", "the number of values left", low=2.0, high=65536.0, spacing="geometric", integer=True, descending=True
)
_OPTIONS = "engine.profile.method_options:"

_NOISE = (
    MethodInfo(
        "mult_gauss",
        "every weight is multiplied by a random factor from N(1, σ)",
        LevelInfo("σ", "the standard deviation of the factor", low=0.0, high=100.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.noise:mult_gauss",
    ),
    MethodInfo(
        "lognorm",
        "every weight is multiplied by exp(z), z from N(0, σ): none changes its sign",
        LevelInfo("σ", "the standard deviation of the factor's logarithm", low=0.0, high=100.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.noise:lognorm",
    ),
    MethodInfo(
        "add_gauss",
        "to every weight a number from N(0, σs) is added, s the standard deviation of its slice",
        LevelInfo("σ", "the noise, in standard deviations of the weights", low=0.0, high=100.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.noise:add_gauss",
    ),
)

_QUANTISE = (
    MethodInfo(
        "uni_quant",
        "weights are rounded to n evenly spaced values between the smallest and the largest of their tensor",
        _VALUES,
        draws=False,
        implementation="engine.methods.quantise:uni_quant",
        options=f"{_OPTIONS}QuantisationOptions",
    ),
    MethodInfo(
        "uni_quant_lineal",
        "as uni_quant, with a range of levels spaced evenly",
        replace(_VALUES, spacing="linear"),
        draws=False,
        implementation="engine.methods.quantise:uni_quant",
        options=f"{_OPTIONS}QuantisationOptions",
    ),
)

_REMOVAL = (
    MethodInfo(
        "ablation",
        "every weight is set to zero with probability p",
        LevelInfo("p", "the probability that a weight is zeroed", low=0.0, high=1.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.ablation:ablation",
    ),
    MethodInfo(
        "mask",
        "of the weights that select chooses a share is set to zero, those that come first in its order",
        LevelInfo("r", "the share of the selected weights zeroed", low=0.0, high=1.0, neutral=0.0),
        draws=False,
        implementation="engine.methods.masking:mask",
        acts_on="selection",
        elementwise=False,
    ),
    MethodInfo(
        "magnitude_prune",
        "the weights nearest to zero are set to zero",
        LevelInfo("f", "the fraction of weights zeroed, smallest first", low=0.0, high=1.0, neutral=0.0),
        draws=False,
        implementation="engine.methods.prune:magnitude_prune",
        options=f"{_OPTIONS}PruneOptions",
        acts_on="group",
        elementwise=False,
    ),
)

_FLIPS = (
    MethodInfo(
        "scale",
        "every weight is multiplied by c",
        LevelInfo("c", "the factor", low=-1000.0, high=1000.0, neutral=1.0),
        draws=False,
        implementation="engine.methods.scale:scale",
    ),
    MethodInfo(
        "sign_flip",
        "every weight changes its sign with probability p",
        LevelInfo("p", "the probability that a weight changes its sign", low=0.0, high=1.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.scale:sign_flip",
    ),
    MethodInfo(
        "bit_flip",
        "one bit of a weight, as it is stored, flips with probability p",
        LevelInfo("p", "the probability that a bit of a weight flips", low=0.0, high=1.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.bits:bit_flip",
        on_codes=False,
        options=f"{_OPTIONS}BitOptions",
    ),
    MethodInfo(
        "bit_flips",
        "one bit flips in each of n weights of the group: those that bit_flip flips first",
        LevelInfo("n", "the number of bits flipped", low=0.0, high=_LARGEST_COUNT, integer=True, neutral=0.0),
        draws=True,
        implementation="engine.methods.bits:bit_flips",
        on_codes=False,
        options=f"{_OPTIONS}BitOptions",
        acts_on="group",
        elementwise=False,
    ),
)

_STRUCTURE = (
    MethodInfo(
        "shuffle",
        "weights change places at random",
        LevelInfo("f", "the probability that a weight takes part", low=0.0, high=1.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.shuffle:shuffle",
        options=f"{_OPTIONS}ShuffleOptions",
        elementwise=False,
    ),
    MethodInfo(
        "svd_truncate",
        "of every matrix only the largest singular values are kept",
        LevelInfo("f", "the fraction of singular values kept", low=0.0, high=1.0, neutral=1.0, descending=True),
        draws=False,
        implementation="engine.methods.low_rank:svd_truncate",
        elementwise=False,
    ),
    MethodInfo(
        "skip",
        "attention, MLP or whole blocks are passed by: attn_all, mlp_only or all, in the layers given",
        LevelInfo("p", "the probability that a layer is skipped; 1: every one", low=0.0, high=1.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.skip:skip",
        acts_on="blocks",
        elementwise=False,
        groups=("attn_all", "mlp_only", "all"),
    ),
)

REQUANTISE = MethodInfo(
    "requantise",
    "packed weights are turned into numbers and stored again, nothing else: the baseline of damage to 8-bit and 4-bit "
    "models, whose trials are added by themselves",
    None,
    draws=False,
    implementation="engine.methods.in_place:requantise",
    elementwise=False,
)

METHODS = (
    MethodInfo("none", "no damage: the baseline alone", None, draws=False, implementation=""),
    *_NOISE,
    *_QUANTISE,
    *_REMOVAL,
    *_FLIPS,
    *_STRUCTURE,
    *TRAINING,
)
