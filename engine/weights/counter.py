"""Random numbers computed directly from their position: no stream, no state.

Numbers for damage come in units of 256 consecutive ones, made of 128 words of 64 bits. Word l gives the normal numbers
l and l + 128 of its unit, or the uniform numbers 2l and 2l + 1. A word is a keyed SplitMix64 hash of its own number
(Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014); a pair of normal numbers comes from it
by the method of Box and Muller (1958). Numbers for sampling are float64 and take a word each.

Only integer operations and +, -, *, / and sqrt are used, which IEEE 754 rounds exactly: the last bit does not depend on
the processor, the operating system or the versions of numpy and numba.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.weights.compiled import compiled

Kind = Literal["normal", "uniform", "select", "bit", "order"]
"""What numbers are for. Every kind draws numbers of its own: normal ones for "normal", uniform ones for all others."""

Keys = tuple[np.uint64, np.uint64]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Units = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

UNIT = 256
LANES = UNIT // 2

_LANES = np.uint64(LANES)
_STEP, _MIX_1, _MIX_2 = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
_27, _30, _31 = np.array([27, 30, 31], np.uint64)

# Minimax fits with errors below 1.2e-6, highest power first: -2 ln((1+x)/(1-x)) / x in x² for |x| <= 0.172;
# sin(t π/2) / t and cos(t π/2) in t² for |t| <= 1.
_L0, _L1, _L2 = np.array((-0.82595782, -1.33304363, -4.00000048), np.float32)
_S0, _S1, _S2, _S3 = np.array((-0.00437102, 0.07950065, -0.64592596, 1.57079514), np.float32)
_C0, _C1, _C2, _C3, _C4 = np.array((8.58190643e-04, -2.08106283e-02, 0.253650746, -1.23369822, 0.999999954), np.float32)
_MINUS_2_LN_2 = np.float32(-2 * 0.6931471805599453)
_SQRT_HALF = np.int32(0x3F3504F3)  # the bits of sqrt(1/2): mantissas are taken from [sqrt(1/2), sqrt(2))
_ONE, _2_24, _2_31 = np.float32(1), np.float32(2**-24), np.float32(2**-31)

_12, _52, _2_52 = np.uint64(12), np.int64(52), 2.0**-52
_SQRT_HALF_64 = np.int64(0x3FE6A09E667F3BCD)
_MANTISSA_64 = np.int64(2**52 - 1)
_LN_2 = 0.6931471805599453
_A0, _A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8, _A9, _A10 = (2 / (2 * power + 1) for power in range(11))
_BLOCK = 1024


def numbers(kind: Kind, units: Units, keys: Keys, made: Floats) -> None:
    """The numbers of the units, into `made`, float32 [units * 256], contiguous: N(0, 1) with |number| < 6.6, or
    multiples of 2^-24 in [0, 1). Several threads may work at once."""
    (normal if kind == "normal" else uniform)(units, *keys, made)


@compiled("uint64(uint64, uint64, uint64)")
def _word(number: np.uint64, first: np.uint64, second: np.uint64) -> np.uint64:
    """The 64 random bits of this number."""
    word = number * _STEP + first
    word = (word ^ (word >> _30)) * _MIX_1 ^ second
    word = (word ^ (word >> _27)) * _MIX_2
    mixed: np.uint64 = word ^ (word >> _31)
    return mixed


@compiled("void(int64, uint64, uint64, uint64[::1])")
def _hash(unit: int, first: np.uint64, second: np.uint64, words: Words) -> None:
    """Into `words` [128]: 64 random bits for every lane of the unit."""
    for lane in range(LANES):
        words[lane] = _word(np.uint64(unit) * _LANES + np.uint64(lane), first, second)


@compiled("void(int64[::1], uint64, uint64, float32[::1])")
def uniform(units: Units, first: np.uint64, second: np.uint64, made: Floats) -> None:
    """The upper 24 bits of each half of a word, lower half first, times 2^-24."""
    words = np.empty(LANES, np.uint64)
    for number in range(units.size):
        _hash(units[number], first, second, words)
        start = number * UNIT
        for lane in range(LANES):
            word = words[lane]
            made[start + 2 * lane] = np.float32(np.int32(np.uint32(word) >> np.uint32(8))) * _2_24
            made[start + 2 * lane + 1] = np.float32(np.int32(word >> np.uint64(40))) * _2_24


@compiled("void(int64[::1], uint64, uint64, float32[::1])")
def normal(units: Units, first: np.uint64, second: np.uint64, made: Floats) -> None:
    """r cos(a) into the first half of every unit, r sin(a) into the second, with r = sqrt(-2 ln(u)).

    The upper 31 bits of a word, the lowest of them set, are u * 2^31 = m * 2^e with m from [sqrt(1/2), sqrt(2)). With
    x = (m - 1) / (m + 1), ln(u) = (e - 31) ln(2) + ln((1 + x) / (1 - x)). The lower 32 bits are an angle in the right
    half of the circle; the lowest of them mirrors it to the left.
    """
    words = np.empty(LANES, np.uint64)
    logarithm = np.empty(LANES, np.float32)
    mantissa = np.empty(LANES, np.float32)
    angle = np.empty(LANES, np.int32)
    mantissa_bits, made_bits = mantissa.view(np.int32), made.view(np.int32)
    for number in range(units.size):
        _hash(units[number], first, second, words)
        start = number * UNIT
        for lane in range(LANES):
            angle[lane] = np.int32(np.uint32(words[lane]))
            mantissa[lane] = np.float32(np.int32(words[lane] >> np.uint64(33)) | np.int32(1))
        for lane in range(LANES):
            bits = mantissa_bits[lane] - _SQRT_HALF
            logarithm[lane] = np.float32((bits >> np.int32(23)) - np.int32(31)) * _MINUS_2_LN_2
            mantissa_bits[lane] = (bits & np.int32(0x7FFFFF)) + _SQRT_HALF
        for lane in range(LANES):
            x = (mantissa[lane] - _ONE) / (mantissa[lane] + _ONE)
            y = x * x
            radius = np.sqrt(((_L0 * y + _L1) * y + _L2) * x + logarithm[lane])
            t = np.float32(angle[lane]) * _2_31
            y = t * t
            made[start + lane] = radius * ((((_C0 * y + _C1) * y + _C2) * y + _C3) * y + _C4)
            made[start + LANES + lane] = radius * ((((_S0 * y + _S1) * y + _S2) * y + _S3) * t)
        for lane in range(LANES):
            made_bits[start + lane] ^= angle[lane] << np.int32(31)


@compiled("void(int64, uint64, uint64, float64[::1])")
def gumbel(start: int, first: np.uint64, second: np.uint64, made: Doubles) -> None:
    """The Gumbel numbers from position `start` on, into `made`: -ln(-ln(u)), between -3.7 and 36.8. Several threads
    may work at once.

    The upper 52 bits k of the word at a number's position give u = (k + 1/2) / 2^52, exactly. Both logarithms are by
    IEEE operations alone: with u = m 2^e, m from [sqrt(1/2), sqrt(2)) and x = (m - 1) / (m + 1), ln(u) is e ln(2) +
    2 (x + x³/3 + ... + x²¹/21). What comes out is within 1e-14 of the exact number.
    """
    stretch = np.empty(_BLOCK, np.float64)
    bits = stretch.view(np.int64)
    for begin in range(0, made.size, _BLOCK):
        count = min(_BLOCK, made.size - begin)
        for index in range(count):
            word = _word(np.uint64(start) + np.uint64(begin + index), first, second)
            stretch[index] = (np.float64(np.int64(word >> _12)) + 0.5) * _2_52
        for _ in range(2):
            for index in range(count):
                above = bits[index] - _SQRT_HALF_64
                exponent = np.float64(above >> _52)
                bits[index] = (above & _MANTISSA_64) + _SQRT_HALF_64
                x = (stretch[index] - 1.0) / (stretch[index] + 1.0)
                y = x * x
                series = (((((_A10 * y + _A9) * y + _A8) * y + _A7) * y + _A6) * y + _A5) * y + _A4
                series = (((series * y + _A3) * y + _A2) * y + _A1) * y + _A0
                stretch[index] = -(exponent * _LN_2 + series * x)
        made[begin : begin + count] = stretch[:count]


@compiled("void(int64, uint64, uint64, float64[::1])")
def gumbel_bounds(start: int, first: np.uint64, second: np.uint64, bounds: Doubles) -> None:
    """No Gumbel number from position `start` on is larger than the one here: multiples of ln(2).

    -ln(u) >= 1 - u = (r - 1/2) / 2^52 with r = 2^52 - k, which is at least r / 2^53; so -ln(-ln(u)) <= (53 - log2(r))
    ln(2), and the exponent of r as a float64 is its logarithm rounded down.
    """
    bits = bounds.view(np.int64)
    for index in range(bounds.size):
        word = _word(np.uint64(start) + np.uint64(index), first, second)
        bounds[index] = np.float64(np.int64(1 << 52) - np.int64(word >> _12))
    for index in range(bounds.size):
        bounds[index] = np.float64(np.int64(53 + 1023) - (bits[index] >> _52)) * _LN_2
