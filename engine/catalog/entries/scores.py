"""The sensitivity scores: ways to say how much each weight matters."""

from engine.catalog.infos import ScoreInfo

SCORES = (
    ScoreInfo(
        "grad_x_weight",
        "|gradient × weight|: what zeroing it would change",
        "engine.scores.gradients:GRAD_X_WEIGHT",
        version=2,
    ),
    ScoreInfo(
        "grad_squared",
        "squared gradient, the empirical Fisher information",
        "engine.scores.gradients:GRAD_SQUARED",
        version=2,
    ),
    ScoreInfo(
        "hutchinson",
        "curvature of the loss: its Hessian's diagonal, estimated with random vectors",
        "engine.scores.curvature:HUTCHINSON",
        draws=True,
        version=2,
    ),
    ScoreInfo("magnitude", "|weight|", "engine.scores.activations:MAGNITUDE", reads_text=False, on_codes=True),
    ScoreInfo(
        "act_magnitude",
        "|weight| × the length of its input over a text, for matrices of attention and MLP",
        "engine.scores.activations:ACT_MAGNITUDE",
        not_in=("embed_only", "norms", "matrices", "all"),
        on_codes=True,
    ),
)
