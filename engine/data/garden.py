"""The bundled picture `garden`: a busy scene to describe. `python -m engine.data.garden` draws it again.

Six things go on at once: a man on a tipping ladder drops the apples he picks, a dog runs off with a shirt from the
washing line, a paddling pool overflows from a forgotten hose, sausages burn while a woman reads, a crow steals one of
them, and a cat watches from the window sill. Coordinates are pixels of the finished picture, from its top left.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

SIZE = (960, 640)
FINER = 3
"""Drawn so many times larger, then shrunk, so that edges are smooth."""
COLOURS = 80

Point = tuple[float, float]

SKIN, DARK_SKIN, HAIR, INK = "#f0c39a", "#9a6440", "#4a3020", "#2b2b33"
GRASS, LEAF, WOOD, WATER = "#8cc66a", "#4f9a47", "#8a5a34", "#6fb9e6"


class Canvas:
    """Shapes with an outline, in the coordinates of the finished picture."""

    def __init__(self) -> None:
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (SIZE[0] * FINER, SIZE[1] * FINER), "#bfe3f7")
        self._draw = ImageDraw.Draw(self._image)

    def box(self, left: float, top: float, right: float, bottom: float, fill: str, radius: float = 0) -> None:
        corners = [left * FINER, top * FINER, right * FINER, bottom * FINER]
        self._draw.rounded_rectangle(corners, radius * FINER, fill, INK, 2 * FINER)

    def oval(self, centre: Point, across: float, down: float, fill: str, outline: str | None = INK) -> None:
        x, y = centre
        corners = [(x - across) * FINER, (y - down) * FINER, (x + across) * FINER, (y + down) * FINER]
        self._draw.ellipse(corners, fill, outline, 2 * FINER if outline else 0)

    def shape(self, points: Iterable[Point], fill: str, outline: str | None = INK) -> None:
        scaled = [(x * FINER, y * FINER) for x, y in points]
        self._draw.polygon(scaled, fill)
        if outline:
            self._draw.line([*scaled, scaled[0]], outline, 2 * FINER, joint="curve")

    def line(self, points: Iterable[Point], colour: str = INK, width: float = 2) -> None:
        """A line with round ends."""
        scaled = [(x * FINER, y * FINER) for x, y in points]
        self._draw.line(scaled, colour, round(width * FINER), joint="curve")
        for x, y in (scaled[0], scaled[-1]):
            half = width * FINER / 2
            self._draw.ellipse([x - half, y - half, x + half, y + half], colour)

    def limb(self, points: Iterable[Point], colour: str, width: float = 12) -> None:
        """A line with an outline."""
        points = list(points)
        self.line(points, INK, width + 4)
        self.line(points, colour, width)

    def arc(self, centre: Point, across: float, down: float, start: float, end: float, width: float = 2) -> None:
        """Part of an oval, by degrees clockwise from three o'clock."""
        x, y = centre
        turns = [math.radians(start + (end - start) * step / 16) for step in range(17)]
        self.line([(x + across * math.cos(turn), y + down * math.sin(turn)) for turn in turns], INK, width)

    def finished(self) -> "Image.Image":
        """The picture in its own size and few colours, which keeps the file small."""
        from PIL import Image

        return self._image.resize(SIZE, Image.Resampling.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE)


def draw() -> "Image.Image":
    """The whole scene, from back to front."""
    canvas = Canvas()
    for part in (_ground, _house, _cat, _tree, _washing, _ladder_and_man, _pool, _barbecue, _reader, _dog, _flowers):
        part(canvas)
    return canvas.finished()


def _ground(c: Canvas) -> None:
    c.oval((860, 70), 38, 38, "#ffe27a")
    for x, y in ((420, 60), (640, 95)):
        for dx, size in ((-34, 20), (0, 30), (34, 22)):
            c.oval((x + dx, y), size * 1.4, size * 0.8, "#ffffff", None)
    c.shape([(0, 300), (960, 300), (960, 640), (0, 640)], GRASS, None)
    for x in range(286, 960, 34):
        c.shape([(x, 310), (x, 246), (x + 13, 230), (x + 26, 246), (x + 26, 310)], "#fbf3e2")
    c.box(280, 262, 962, 272, "#fbf3e2")
    c.box(280, 290, 962, 300, "#fbf3e2")


def _house(c: Canvas) -> None:
    c.box(-10, 120, 280, 380, "#f4d9a8")
    c.shape([(-20, 126), (120, 20), (306, 126)], "#c8553d")
    c.box(190, 20, 222, 84, "#a8472f")
    c.box(30, 165, 140, 262, "#7db6d8")
    c.box(26, 258, 144, 270, "#fbf3e2")
    c.shape([(30, 165), (62, 165), (40, 262), (30, 262)], "#e58fa0")
    c.shape([(140, 165), (108, 165), (130, 262), (140, 262)], "#e58fa0")
    c.box(186, 222, 252, 380, "#5a7d5a", 4)
    c.oval((240, 305), 5, 5, "#f2c14e")


def _cat(c: Canvas) -> None:
    c.arc((112, 276), 12, 26, -80, 110, 6)
    c.oval((84, 238), 22, 20, "#e8964a")
    c.shape([(58, 204), (62, 184), (74, 196), (84, 196), (96, 184), (98, 206)], "#e8964a")
    c.oval((78, 210), 20, 16, "#e8964a")
    for x in (70, 86):
        c.oval((x, 207), 3, 4, "#3f6b2a")
    c.shape([(75, 214), (81, 214), (78, 218)], "#d9606a")
    for side in (-1, 1):
        c.line([(78 + side * 8, 216), (78 + side * 26, 213)], width=1.5)
        c.line([(78 + side * 8, 218), (78 + side * 26, 221)], width=1.5)


def _tree(c: Canvas) -> None:
    c.shape([(352, 470), (372, 250), (414, 250), (436, 470), (470, 482), (320, 482)], WOOD)
    for x, y, size in ((330, 180, 62), (458, 176, 66), (392, 130, 80), (360, 222, 56), (440, 226, 54)):
        c.oval((x, y), size, size * 0.82, LEAF)
    for x, y, size in ((336, 182, 54), (452, 178, 56), (392, 140, 72), (392, 200, 70)):
        c.oval((x, y), size, size * 0.8, LEAF, None)
    for x, y in ((310, 170), (350, 120), (400, 96), (440, 130), (492, 170), (470, 220), (410, 176), (350, 214)):
        _apple(c, x, y)


def _apple(c: Canvas, x: float, y: float) -> None:
    c.oval((x, y), 9, 9, "#d8342c")
    c.line([(x, y - 8), (x + 3, y - 14)], "#5b3b1e", 2)


def _face(c: Canvas, x: float, y: float, skin: str, mouth: str, looks: float = 0) -> None:
    c.oval((x, y), 20, 22, skin)
    for side in (-1, 1):
        c.oval((x + side * 7 + looks, y - 3), 2.5, 3, INK, None)
    if mouth == "open":
        c.oval((x + looks, y + 10), 5, 6, "#7d2b2b")
    else:
        c.arc((x + looks, y + 6), 7, 5, 20, 160)


def _ladder_and_man(c: Canvas) -> None:
    """The ladder leans away from the tree on one foot; apples fall out of the man's basket."""
    foot, top = (556, 470), (508, 190)
    for shift in (0, 34):
        c.limb([(foot[0] + shift, foot[1] - shift * 0.4), (top[0] + shift, top[1] - shift * 0.2)], "#d9b26a", 7)
    for step in range(1, 8):
        t = step / 8
        x, y = foot[0] + (top[0] - foot[0]) * t, foot[1] + (top[1] - foot[1]) * t
        c.limb([(x, y), (x + 34, y - 10)], "#d9b26a", 4)
    c.limb([(548, 296), (562, 340), (552, 372)], "#3d5a98", 16)
    c.limb([(562, 296), (586, 330), (574, 358)], "#3d5a98", 16)
    for x, y in ((548, 376), (572, 362)):
        c.oval((x, y), 14, 7, "#5b3b1e")
    c.limb([(548, 222), (516, 200), (488, 186)], SKIN, 10)
    c.shape([(536, 216), (578, 212), (580, 300), (536, 304)], "#e9c23c")
    c.limb([(574, 226), (610, 232), (634, 214)], SKIN, 10)
    _face(c, 556, 186, SKIN, "open", -4)
    c.shape([(534, 180), (540, 160), (570, 158), (580, 178), (556, 170)], HAIR)
    c.arc((637, 228), 27, 30, 195, 375, 4)
    c.shape([(612, 216), (662, 236), (640, 270), (600, 248)], "#c8924a")
    for x, y in ((660, 292), (638, 336), (662, 378), (560, 506), (584, 516), (572, 536)):
        _apple(c, x, y)
    for x, y in ((530, 452), (604, 438)):
        c.line([(x - 12, y - 10), (x - 22, y - 2)], width=2)
        c.line([(x - 8, y + 2), (x - 18, y + 12)], width=2)


def _washing(c: Canvas) -> None:
    c.limb([(716, 330), (716, 150)], WOOD, 8)
    c.limb([(934, 330), (934, 150)], WOOD, 8)
    c.line([(716, 156), (770, 168), (826, 172), (882, 168), (934, 156)], INK, 2)
    c.shape([(734, 162), (786, 170), (786, 250), (734, 244)], "#f7a8b8")
    c.shape([(800, 171), (812, 171), (812, 230), (826, 232), (826, 246), (800, 244)], "#ffffff")
    c.shape([(838, 172), (850, 171), (850, 230), (864, 232), (864, 246), (838, 244)], "#ffffff")
    for x, y in ((738, 158), (782, 166), (806, 166), (844, 167), (902, 162)):
        c.box(x - 3, y - 4, x + 3, y + 12, "#d9b26a")


def _dog(c: Canvas) -> None:
    """Runs to the left with a blue shirt in its mouth."""
    for points in ([(806, 396), (786, 424), (770, 430)], [(822, 398), (812, 430), (796, 440)]):
        c.limb(points, "#a8713c", 10)
    for points in ([(890, 392), (912, 420), (930, 420)], [(876, 398), (890, 430), (910, 438)]):
        c.limb(points, "#a8713c", 10)
    c.limb([(902, 368), (926, 348), (930, 328)], "#a8713c", 8)
    c.oval((852, 380), 58, 27, "#b97f45")
    c.oval((792, 356), 26, 22, "#b97f45")
    c.oval((768, 366), 18, 12, "#d9a76c")
    c.oval((754, 361), 5, 4, INK)
    c.oval((784, 348), 3, 4, INK, None)
    c.shape([(800, 338), (818, 336), (824, 366), (808, 372)], "#6e4522")
    shirt = [(764, 374), (742, 370), (716, 352), (700, 366), (718, 386), (706, 424), (738, 440), (756, 404), (778, 402)]
    c.shape(shirt, "#4f7fd0")
    for y in (372, 392):
        c.line([(940, y), (958, y)], width=2)


def _pool(c: Canvas) -> None:
    """The hose runs from the house wall; nobody turns it off."""
    c.box(262, 330, 276, 346, "#8d99a6")
    c.line([(270, 338), (292, 370), (268, 420), (240, 440), (214, 452)], "#2f7d4f", 7)
    c.shape([(0, 560), (40, 540), (250, 544), (330, 574), (290, 612), (120, 622), (10, 604)], WATER, None)
    c.oval((146, 500), 122, 44, "#f2f7fb")
    c.oval((146, 492), 112, 34, WATER)
    c.shape([(26, 500), (266, 500), (252, 560), (40, 560)], "#e2574c")
    for x in range(52, 250, 44):
        c.oval((x, 532), 11, 11, "#ffd75e")
    c.oval((146, 492), 112, 34, WATER)
    for x in (44, 96, 202, 244):
        c.limb([(x, 506), (x - 3, 540), (x + 2, 566)], WATER, 9)
    c.line([(214, 452), (196, 470), (190, 490)], "#d8f0ff", 8)
    c.oval((88, 490), 22, 13, "#ffd23c")
    c.oval((106, 474), 12, 11, "#ffd23c")
    c.shape([(116, 472), (130, 476), (116, 480)], "#ef7f2d")
    c.oval((108, 471), 2, 2, INK, None)


def _smoke(c: Canvas, x: float, y: float) -> None:
    for step, size in enumerate((16, 22, 28, 34)):
        c.oval((x + (-1) ** step * 8, y - step * 34), size, size * 0.8, "#9aa0a8", None)


def _barbecue(c: Canvas) -> None:
    _smoke(c, 470, 446)
    for x in (430, 470, 510):
        c.line([(470, 520), (x, 606)], INK, 6)
    c.shape([(414, 486), (526, 486), (508, 526), (432, 526)], "#3b3b45")
    for x in (428, 448, 468, 488):
        c.shape([(x, 486), (x + 8, 464), (x + 18, 486)], "#f28a2e")
        c.shape([(x + 5, 486), (x + 9, 474), (x + 14, 486)], "#ffd75e", None)
    c.box(408, 482, 532, 489, "#9aa0a8")
    for x in (424, 452, 480):
        c.limb([(x, 477), (x + 18, 475)], "#3a2016", 8)
    _crow(c)


def _crow(c: Canvas) -> None:
    """Flies off to the left with a sausage."""
    c.shape([(356, 408), (326, 362), (374, 384), (398, 404)], "#33333d")
    c.shape([(398, 412), (430, 398), (424, 420)], "#33333d")
    c.oval((372, 412), 32, 15, "#33333d")
    c.oval((338, 404), 14, 13, "#33333d")
    c.shape([(328, 400), (304, 410), (328, 412)], "#f2b53c")
    c.oval((336, 400), 2.5, 2.5, "#ffffff", None)
    c.limb([(296, 404), (312, 416), (326, 418)], "#9c4a2c", 8)
    c.shape([(366, 408), (378, 366), (398, 372), (388, 408)], "#44444f")


def _reader(c: Canvas) -> None:
    """A woman in a deck chair, deep in her newspaper, back to the barbecue."""
    c.limb([(604, 470), (668, 600)], WOOD, 8)
    c.limb([(760, 540), (640, 606)], WOOD, 8)
    c.shape([(600, 466), (622, 456), (676, 556), (776, 530), (784, 546), (660, 590)], "#58b0a5")
    c.limb([(690, 548), (764, 520), (786, 590)], "#7a4b8c", 17)
    c.limb([(686, 556), (748, 538), (760, 604)], "#7a4b8c", 17)
    for x, y in ((796, 594), (770, 608)):
        c.oval((x, y), 15, 7, "#c8553d")
    c.shape([(630, 484), (664, 476), (702, 548), (676, 564)], "#f4f0e0")
    c.oval((632, 444), 26, 25, "#3a2a22")
    _face(c, 640, 450, DARK_SKIN, "smile", 6)
    c.shape([(612, 436), (626, 420), (656, 424), (662, 438)], "#3a2a22")
    for x in (644, 658):
        c.oval((x, 447), 7, 7, "#dfeefb")
    c.limb([(656, 496), (690, 512), (706, 492)], DARK_SKIN, 10)
    c.shape([(692, 436), (744, 452), (736, 520), (684, 502)], "#fafafa")
    c.shape([(744, 452), (790, 440), (780, 508), (736, 520)], "#eeeeee")
    for row in range(4):
        c.line([(700, 456 + row * 12), (734, 466 + row * 12)], "#8d99a6", 2)
        c.line([(750, 464 + row * 11), (780, 456 + row * 11)], "#8d99a6", 2)


def _flowers(c: Canvas) -> None:
    for x, y, colour in ((850, 560, "#e8608a"), (884, 536, "#ffffff"), (918, 566, "#f2c14e"), (944, 536, "#b06fd0")):
        c.line([(x, y), (x + 2, y + 56)], "#2f7d4f", 4)
        for turn in range(6):
            angle = turn * math.pi / 3
            c.oval((x + 10 * math.cos(angle), y + 10 * math.sin(angle)), 8, 8, colour)
        c.oval((x, y), 7, 7, "#ffd75e")


if __name__ == "__main__":
    draw().save(Path(__file__).parent / "pictures" / "garden.png", optimize=True)
