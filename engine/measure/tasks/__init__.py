"""The measurement tasks: which of several answers to a question the model finds likeliest."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "tasks",
    "which of several answers to a question the model finds likeliest",
    (
        MetricInfo("accuracy", "share of questions whose right answer is the likeliest", "share", "higher"),
        MetricInfo("accuracy_normalised", "the same by log-likelihood per character", "share", "higher"),
    ),
    "engine.measure.tasks.run:Tasks",
    table="engine.measure.tasks.table:TasksMeasure",
    version=2,
)
