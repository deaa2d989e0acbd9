"""The measurement ranking: which weights matter most by a score, and how far scores, texts and seeds agree."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "ranking",
    "which weights matter most by a score, and how far scores, texts and seeds agree",
    (
        MetricInfo("largest_score", "the largest score of a weight", "", None, log=True),
        MetricInfo("top_share", "share of the sum of all scores that the k best weights have", "share", None),
        MetricInfo("jaccard_samples", "overlap of the k best between samples of the text", "share", "higher"),
        MetricInfo("jaccard_seeds", "overlap of the k best between seeds of the score", "share", "higher"),
        MetricInfo("jaccard_scores", "overlap of the k best with those by the other scores", "share", None),
    ),
    "engine.measure.ranking.run:RankingStudy",
    table="engine.measure.ranking.table:RankingMeasure",
    version=2,
)
