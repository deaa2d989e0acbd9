"""The measurement spectrum: how many dimensions the outputs of a layer use."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "spectrum",
    "how many dimensions the outputs of a layer use",
    (
        MetricInfo("effective_rank", "exp of the entropy of the normalised singular values", "dimensions", None),
        MetricInfo("effective_rank_cut", "published variant: values below 1 % of the sum dropped", "", None),
        MetricInfo("participation_ratio", "(Σ s²)² / Σ s⁴ of the singular values s", "dimensions", None),
        MetricInfo("spectral_gap", "first singular value minus the second", "", None, log=True),
    ),
    "engine.measure.spectrum.run:Spectrum",
    table="engine.measure.spectrum.table:SpectrumMeasure",
)
