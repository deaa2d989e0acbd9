"""Singular values of many hidden states from their Gram matrix, and the numbers that sum them up."""

import math

import torch
from torch import Tensor

_CUT = 0.01
"""The share of the sum at or below which the published variant of the effective rank drops a singular value."""


class GramSum:
    """Singular values of a matrix of hidden states whose rows arrive a few at a time.

    Works on the smaller of the two Gram matrices in float64, on the device of the rows: at most width x width numbers,
    however many rows. Squaring costs half the digits of what is small beside the largest: singular values below about
    1e-8 of the largest are noise. An effective rank is good to about 1e-6, or 1e-4 where most values are such noise.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._kept: list[Tensor] = []
        self._gram: Tensor | None = None

    def add(self, rows: Tensor) -> None:
        """More rows [n, width]; they are copied."""
        self.rows += len(rows)
        if self._gram is None:
            self._kept.append(rows.clone())
            if self.rows <= rows.shape[1]:
                return
            self._gram = torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.float64, device=rows.device)
            rows = torch.cat(self._kept)
            self._kept = []
        wide = rows.double()
        self._gram.addmm_(wide.T, wide)

    def singular_values(self) -> Tensor:
        """min(rows, width) singular values, float64, falling, on the CPU; all nan where a row is not finite."""
        gram = self._gram
        if gram is None:
            wide = torch.cat(self._kept).double()
            gram = wide @ wide.T
        if not gram.isfinite().all():
            return torch.full((len(gram),), torch.nan, dtype=torch.float64)
        eigenvalues: Tensor = torch.linalg.eigvalsh(gram)
        return eigenvalues.clamp(min=0).sqrt().flip(0).cpu()


def summary(singular: Tensor) -> dict[str, float]:
    """The metrics of a spectrum [n], float64, falling; nan where it is all zeros or not finite.

    effective_rank: exp of the entropy of p = s / Σs, nothing cut off (Roy and Vetterli, 2007). n equal values give n.
    effective_rank_cut: the same sum over p > 0.01 alone, p not renormalised, and 0 where none is left: how published
        measurements have it. Falls short of the effective rank; 100 or more equal values give 0.
    participation_ratio: (Σ s²)² / Σ s⁴, uncentred. n equal values give n.
    spectral_gap: the largest singular value less the second; 0 where there is only one.
    """
    total = float(singular.sum())
    if not total > 0 or not math.isfinite(total):
        return dict.fromkeys(("effective_rank", "effective_rank_cut", "participation_ratio", "spectral_gap"), math.nan)
    share = singular / total
    kept = share[share > _CUT]
    energy = (singular / singular[0]).square()
    return {
        "effective_rank": math.exp(_entropy(share)),
        "effective_rank_cut": math.exp(_entropy(kept)) if len(kept) else 0.0,
        "participation_ratio": float(energy.sum().square() / energy.square().sum()),
        "spectral_gap": float(singular[0] - singular[1]) if len(singular) > 1 else 0.0,
    }


def _entropy(share: Tensor) -> float:
    """-Σ p ln p; 0 ln 0 is 0."""
    return float(-torch.xlogy(share, share).sum())
