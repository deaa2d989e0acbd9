"""How much each weight matters: sensitivity scores, the best and the worst weights by them, and super weights."""

from engine.profile.scoring import Scope, ScoreSpec
from engine.scores.ranking import Entry, Ranking, ends, overlap, rank, scan, select
from engine.scores.statistics import Statistics

__all__ = ["Entry", "Ranking", "Scope", "ScoreSpec", "Statistics", "ends", "overlap", "rank", "scan", "select"]
