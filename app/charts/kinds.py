"""The kinds of chart, in the order in which `lesion chart` prints them and the console goes through them."""

from app.charts.abilities import Abilities
from app.charts.chart import Kind
from app.charts.density import Densities
from app.charts.dose import Doses
from app.charts.gains import Gains
from app.charts.law import Laws
from app.charts.layer_map import LayerMaps
from app.charts.scaling import Scalings

ABILITIES, SCALINGS = Abilities(), Scalings()

KINDS: tuple[Kind, ...] = (
    LayerMaps(),
    ABILITIES,
    Doses(),
    SCALINGS,
    Laws(),
    Gains(),
    Densities(),
)
