"""The console's themes. Every colour is an entry of the xterm palette, so 256 colours show what 16 million do.

What is drawn names its styles ("muted", "error", "series-1") and never a colour, so that a switch of theme changes all.
"""

import rich.theme
from rich.style import Style
from textual.theme import Theme

# Curves and groups take these in turn; on either background they are told apart by lightness as well as by hue.
_DARK_SERIES = ("#87afd7", "#d7875f", "#87af87", "#d7af5f", "#af87d7", "#5fafaf")
_LIGHT_SERIES = ("#005f87", "#af5f00", "#5f8700", "#875f00", "#875faf", "#008787")
_CONTRAST_SERIES = ("#5fd7ff", "#ffaf5f", "#87ff87", "#ffff5f", "#ff87ff", "#d7d7ff")

DARK = Theme(
    name="lesion-dark",
    dark=True,
    foreground="#d0d0d0",
    background="#121212",
    surface="#1c1c1c",
    panel="#262626",
    primary="#87afd7",
    secondary="#5f87af",
    accent="#d7875f",
    success="#87af87",
    warning="#d7af5f",
    error="#d75f5f",
    variables={
        "muted": "#8a8a8a",
        "line": "#3a3a3a",
        "field": "#262626",
        "selected": "#303030",
        "cursor": "#3a3a3a",
        "bright": "#eeeeee",
        "border": "#87afd7",
        "border-blurred": "#3a3a3a",
        "block-cursor-background": "#3a3a3a",
        "block-cursor-foreground": "#eeeeee",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#262626",
        "block-cursor-blurred-foreground": "#d0d0d0",
        "block-hover-background": "#262626",
        "input-selection-background": "#5f87af",
        "scrollbar": "#444444",
        "scrollbar-hover": "#5f5f5f",
        "scrollbar-active": "#87afd7",
        "scrollbar-background": "#121212",
        "scrollbar-background-hover": "#121212",
        "scrollbar-background-active": "#121212",
        "footer-background": "#1c1c1c",
        "footer-key-foreground": "#87afd7",
        "footer-description-foreground": "#8a8a8a",
        **{f"series-{i}": colour for i, colour in enumerate(_DARK_SERIES, 1)},
    },
)

LIGHT = Theme(
    name="lesion-light",
    dark=False,
    foreground="#303030",
    background="#eeeeee",
    surface="#ffffff",
    panel="#e4e4e4",
    primary="#005f87",
    secondary="#5f87af",
    accent="#af5f00",
    success="#5f8700",
    warning="#875f00",
    error="#af0000",
    variables={
        "muted": "#6c6c6c",
        "line": "#bcbcbc",
        "field": "#ffffff",
        "selected": "#d0d0d0",
        "cursor": "#d0d0d0",
        "bright": "#121212",
        "border": "#005f87",
        "border-blurred": "#bcbcbc",
        "block-cursor-background": "#d0d0d0",
        "block-cursor-foreground": "#121212",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e4e4e4",
        "block-cursor-blurred-foreground": "#303030",
        "block-hover-background": "#e4e4e4",
        "input-selection-background": "#afd7ff",
        "scrollbar": "#b2b2b2",
        "scrollbar-hover": "#8a8a8a",
        "scrollbar-active": "#005f87",
        "scrollbar-background": "#eeeeee",
        "scrollbar-background-hover": "#eeeeee",
        "scrollbar-background-active": "#eeeeee",
        "footer-background": "#e4e4e4",
        "footer-key-foreground": "#005f87",
        "footer-description-foreground": "#6c6c6c",
        **{f"series-{i}": colour for i, colour in enumerate(_LIGHT_SERIES, 1)},
    },
)

CONTRAST = Theme(
    name="lesion-contrast",
    dark=True,
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#262626",
    primary="#5fd7ff",
    secondary="#5fafff",
    accent="#ffaf5f",
    success="#87ff87",
    warning="#ffff5f",
    error="#ff8787",
    variables={
        "muted": "#d0d0d0",
        "line": "#a8a8a8",
        "field": "#303030",
        "selected": "#585858",
        "cursor": "#4e4e4e",
        "bright": "#ffffff",
        "border": "#5fd7ff",
        "border-blurred": "#a8a8a8",
        "text-disabled": "#c6c6c6",
        "block-cursor-background": "#ffffff",
        "block-cursor-foreground": "#000000",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#585858",
        "block-cursor-blurred-foreground": "#ffffff",
        "block-hover-background": "#303030",
        "input-cursor-background": "#ffffff",
        "input-cursor-foreground": "#000000",
        "input-selection-background": "#ffff5f",
        "input-selection-foreground": "#000000",
        "scrollbar": "#d0d0d0",
        "scrollbar-hover": "#ffffff",
        "scrollbar-active": "#5fd7ff",
        "scrollbar-background": "#000000",
        "scrollbar-background-hover": "#000000",
        "scrollbar-background-active": "#000000",
        "footer-background": "#000000",
        "footer-key-foreground": "#5fd7ff",
        "footer-description-foreground": "#ffffff",
        **{f"series-{i}": colour for i, colour in enumerate(_CONTRAST_SERIES, 1)},
    },
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST)}
"""By name, in the order in which a key goes through them."""

_NAMED = (
    *("foreground", "bright", "muted", "line", "primary", "secondary", "accent", "success", "warning", "error"),
    *(f"series-{i}" for i in range(1, 7)),
)


def style_names(theme: Theme) -> rich.theme.Theme:
    """The names of styles that drawn text uses, in the colours of a theme."""
    colours = {name: theme.variables.get(name) or getattr(theme, name) for name in _NAMED}
    named = {name: Style(color=colour) for name, colour in colours.items()}
    named["title"] = Style(color=colours["primary"], bold=True)
    named["strong"] = Style(color=colours["bright"], bold=True)
    return rich.theme.Theme(named)
