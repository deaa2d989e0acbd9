"""One of everything that a package can add to Lesion, but a method."""

from engine.catalog import Additions, ArchitectureInfo, PromptSetInfo, ScoreInfo
from lesion_kit import certainty

ADDITIONS = Additions(
    scores=(ScoreInfo("smallness", "-|weight|: the smallest first", "lesion_kit.scores:SMALLNESS", reads_text=False),),
    measurements=(certainty.INFO,),
    prompt_sets=(
        PromptSetInfo("openings", "2 openings of sentences", file="lesion_kit:openings.txt"),
        PromptSetInfo("both", "the openings, and those that come with Lesion", parts=("openings", "petri")),
    ),
    architectures=(ArchitectureInfo("renamed", "models whose parts go by other names", "lesion_kit.layout:RENAMED"),),
)
