"""Answers that the checks are tested with: wrong ones by the name that they must get, right ones in other styles."""

from . import right_networks, right_pictures, wrong, wrong_convolution, wrong_networks, wrong_pictures

WRONG = [*wrong.WRONG, *wrong_convolution.WRONG, *wrong_pictures.WRONG, *wrong_networks.WRONG]
"""(name of the mistake, or none, task, module, code to splice into the reference)"""

RIGHT = [*right_pictures.RIGHT, *right_networks.RIGHT]
"""(title, tasks, module, code to splice into the reference)"""
