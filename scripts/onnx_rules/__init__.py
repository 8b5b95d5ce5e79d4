"""How ONNX's operators are said in Tweed's operations: a rule for each, for onnx_cases.py.

A rule takes Calls, which it asks for operations, the node's inputs as arrays (None for one that is left
out) and its attributes. It returns the name of the value that is the result, or raises No with a reason.
Images are (N, C, H, W) in ONNX and (N, H, W, C) in Tweed: rules turn them.
"""

from . import attention, axes, layers, numbers, recurrent, shapes, windows  # noqa: F401 (they fill RULES)
from .calls import RULES, Calls, No

__all__ = ["RULES", "Calls", "No"]
