"""A method for Lesion: no weight may be farther from zero than the level."""

from engine.catalog import Additions, LevelInfo, MethodInfo


def clamp(piece, level, draws):
    """In place, a stretch of the slice at a time."""
    for weights in piece.chunks():
        weights.view.clamp_(-level, level)


ADDITIONS = Additions(
    methods=(
        MethodInfo(
            "clamp",
            "weights farther from zero than c are set to c or -c",
            LevelInfo("c", "the largest size that a weight may have", low=0.0, high=1000.0, descending=True),
            draws=False,
            implementation="lesion_clamp:clamp",
        ),
    ),
)
