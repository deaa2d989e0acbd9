"""Import paths of implementations, which are loaded only where they run."""

from importlib import import_module
from typing import Any

from engine.errors import LesionError


def load(path: str) -> Any:
    """The object that an import path "module:attribute" of this catalog names; loads what the module loads.

    Raises LesionError where there is none.
    """
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise LesionError(f"'{path}', which the catalog names, cannot be loaded: {error}") from error
