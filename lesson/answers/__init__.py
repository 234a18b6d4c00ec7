"""Answers that test the checks.

Wrong ones by the name that they must get, right ones in other styles, and those that are right in part with what a
teacher would give for them.
"""

import importlib
import pkgutil

from lesson.answers.networks import MADE_ANEW, changed_artefacts

__all__ = ["MADE_ANEW", "PARTIAL", "RIGHT", "WRONG", "changed_artefacts"]

_MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]

WRONG = [entry for module in _MODULES for entry in getattr(module, "WRONG", [])]
"""(name of the mistake, or none, task, module, code to splice into the reference)"""

RIGHT = [entry for module in _MODULES for entry in getattr(module, "RIGHT", [])]
"""(title, tasks, module, code to splice into the reference)"""

PARTIAL = [entry for module in _MODULES for entry in getattr(module, "PARTIAL", [])]
"""(title, task, least points, most points, module, code to splice into the reference)"""
