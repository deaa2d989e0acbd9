"""Random numbers computed directly from their position: no stream, no state.

Numbers come in units of 256 consecutive ones, made of 128 words of 64 bits. Word l gives the normal numbers l and
l + 128 of its unit, or the uniform numbers 2l and 2l + 1. A word is a keyed SplitMix64 hash of its own number (Steele,
Lea and Flood, "Fast splittable pseudorandom number generators", 2014); a pair of normal numbers comes from it by the
method of Box and Muller (1958).

Only integer operations and +, -, *, / and sqrt are used, which IEEE 754 rounds exactly: the last bit does not depend on
the processor, the operating system or numpy's version.
"""

import threading
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["normal", "uniform", "select", "bit", "order"]
"""What numbers are for. Every kind draws numbers of its own: normal ones for "normal", uniform ones for all others."""

Keys = tuple[np.uint64, np.uint64]
Floats = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint64]

UNIT = 256
LANES = UNIT // 2

_STEP, _MIX_1, _MIX_2 = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
_UNIT_STEP = np.array([LANES], np.uint64) * _STEP
_LANE_STEPS = np.arange(LANES, dtype=np.uint64) * _STEP

# Minimax fits with errors below 1.2e-6, highest power first: -2 ln((1+x)/(1-x)) / x in x² for |x| <= 0.172;
# sin(t π/2) / t and cos(t π/2) in t² for |t| <= 1.
_LOG = [np.array(c, np.float32) for c in (-0.82595782, -1.33304363, -4.00000048)]
_SIN = [np.array(c, np.float32) for c in (-0.00437102, 0.07950065, -0.64592596, 1.57079514)]
_COS = [np.array(c, np.float32) for c in (8.58190643e-04, -2.08106283e-02, 0.253650746, -1.23369822, 0.999999954)]
_MINUS_2_LN_2 = np.float32(-2 * 0.6931471805599453)
_SQRT_HALF = np.int32(0x3F3504F3)  # the bits of sqrt(1/2): mantissas are taken from [sqrt(1/2), sqrt(2))
_ONE = np.float32(1)


class _Scratch(threading.local):
    """Memory that a thread uses again and again: fresh memory costs more than the arithmetic."""

    lanes = 0

    def reserve(self, lanes: int) -> tuple[Words, Words, Floats]:
        """Two rows of words and five of floats, each `lanes` long; all hold leftovers."""
        if lanes > self.lanes:
            self.lanes = lanes
            self._words = np.empty((2, lanes), np.uint64)
            self._floats = np.empty((5, lanes), np.float32)
        return self._words[0, :lanes], self._words[1, :lanes], self._floats[:, :lanes]


_SCRATCH = _Scratch()


def numbers(kind: Kind, units: npt.NDArray[np.int64], keys: Keys, made: Floats) -> None:
    """The numbers of the units, into `made`, float32 [units * 256]: N(0, 1) with |number| < 6.6, or multiples of 2^-24
    in [0, 1). Several threads may work at once."""
    words, shifted, floats = _SCRATCH.reserve(units.size * LANES)
    _hash(units, keys, words, shifted)
    if kind == "normal":
        _normal(words, made.reshape(units.size, 2, LANES), floats)
    else:
        _uniform(words, made)


def _hash(units: npt.NDArray[np.int64], keys: Keys, words: Words, shifted: Words) -> None:
    """Into `words`: 64 random bits for every lane of the units."""
    firsts = units.astype(np.uint64) * _UNIT_STEP + keys[0]
    np.add(firsts[:, None], _LANE_STEPS, out=words.reshape(units.size, LANES))
    np.right_shift(words, np.uint64(30), out=shifted)
    words ^= shifted
    words *= _MIX_1
    words ^= keys[1]
    np.right_shift(words, np.uint64(27), out=shifted)
    words ^= shifted
    words *= _MIX_2
    np.right_shift(words, np.uint64(31), out=shifted)
    words ^= shifted


def _uniform(words: Words, made: Floats) -> None:
    """Into `made` [numbers]: the upper 24 bits of each half of a word, lower half first, times 2^-24."""
    halves = words.view(np.uint32)
    np.right_shift(halves, np.uint32(8), out=halves)
    np.copyto(made, halves.view(np.int32))
    np.multiply(made, np.float32(2**-24), out=made)


def _normal(words: Words, made: Floats, floats: Floats) -> None:
    """Into `made` [units, 2, 128]: r cos(a) and r sin(a), with r from the upper half of a word, a from the lower."""
    radius, cosine, sine, spare, other = floats
    np.copyto(cosine.view(np.uint32), words, casting="unsafe")
    _circle(cosine, sine, spare, other)
    words >>= np.uint64(33)
    np.copyto(spare.view(np.uint32), words, casting="unsafe")
    _radius(spare, radius, other, words.view(np.float32)[: radius.size])
    shape = made[:, 0].shape
    np.multiply(radius.reshape(shape), cosine.reshape(shape), out=made[:, 0])
    np.multiply(radius.reshape(shape), sine.reshape(shape), out=made[:, 1])


def _circle(cosine: Floats, sine: Floats, angle: Floats, square: Floats) -> None:
    """A random point of the unit circle: `cosine` holds 32 random bits on entry, the other arrays nothing.

    The bits are an angle in the right half of the circle; the lowest of them mirrors it to the left.
    """
    bits = cosine.view(np.int32)
    np.copyto(angle, bits)
    angle *= np.float32(2**-31)
    np.multiply(angle, angle, out=square)
    mirror = angle.view(np.int32)
    _polynomial(_SIN, square, sine)
    sine *= angle
    np.left_shift(bits, np.int32(31), out=mirror)
    _polynomial(_COS, square, cosine)
    np.bitwise_xor(bits, mirror, out=bits)


def _radius(uniform: Floats, radius: Floats, exponent: Floats, ratio: Floats) -> None:
    """sqrt(-2 ln(u)) into `radius`: `uniform` holds 31 random bits on entry, u = (bits | 1) / 2^31.

    With u = m 2^e and x = (m - 1) / (m + 1), ln(u) = e ln(2) + ln((1 + x) / (1 - x)).
    """
    bits = uniform.view(np.int32)
    np.bitwise_or(bits, np.int32(1), out=bits)
    np.copyto(ratio, bits)
    bits, mantissa = ratio.view(np.int32), ratio
    np.subtract(bits, _SQRT_HALF + np.int32(31 << 23), out=bits)
    np.right_shift(bits, np.int32(23), out=radius.view(np.int32))
    np.copyto(exponent, radius.view(np.int32))
    exponent *= _MINUS_2_LN_2
    np.bitwise_and(bits, np.int32(0x7FFFFF), out=bits)
    np.add(bits, _SQRT_HALF, out=bits)
    np.add(mantissa, _ONE, out=radius)
    np.subtract(mantissa, _ONE, out=ratio)
    ratio /= radius
    np.multiply(ratio, ratio, out=uniform)
    _polynomial(_LOG, uniform, radius)
    radius *= ratio
    radius += exponent
    np.sqrt(radius, out=radius)


def _polynomial(coefficients: list[Floats], x: Floats, out: Floats) -> None:
    """Horner's rule, highest power first."""
    np.multiply(x, coefficients[0], out=out)
    for coefficient in coefficients[1:-1]:
        np.add(out, coefficient, out=out)
        np.multiply(out, x, out=out)
    np.add(out, coefficients[-1], out=out)
