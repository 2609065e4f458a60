"""Scales of which a kernel would end the process: it asserts what it cannot represent."""

from __future__ import annotations

from kerasae_export.runtime.calls import Call

__all__ = ["check_scales"]

_INTEGERS = ("int8", "uint8", "int16")
_WEIGHTED = frozenset(["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"])
_SUMS = frozenset(["ADD", "SUB", "SQUARED_DIFFERENCE"])
_COMPARING = frozenset(["EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"])


def check_scales(call: Call) -> None:
    """Refuse scales of inputs that are out of reach of the scale of the output.

    Raises:
        BundleError: If a sum, a difference, a comparison or a product with weights has such scales.
    """
    operands = [operand for operand in call.operands if operand is not None]
    scales = [operand.scales[0] for operand in operands if operand.scales]
    integers = [operand.dtype for operand in operands if operand.dtype in _INTEGERS]
    if call.name in _SUMS and integers and not all(o.scales for o in (*operands, *call.results)):
        raise call.fails("have a scale for each of its integers", "one without")
    if not scales or not integers:
        return
    if call.name in _COMPARING and max(scales) >= 1:
        raise call.fails("compare integers with scales below 1", scales)
    if call.name in _WEIGHTED and call.results[0].scales:
        value = call.operand(2 if call.name == "TRANSPOSE_CONV" else 0).scales
        largest = max(value, default=0.0) * max(call.operand(1).scales, default=0.0)
        if largest >= 256 * call.results[0].scales[0]:
            raise call.fails("have scales within 256 times that of its output", largest)
    if call.name in _SUMS:
        own, largest = call.results[0].scales[0], max(scales)
        # The kernels' fixed point: bits by which they shift a sum or a difference.
        reach = 2.0**14 if "int16" in integers else 2.0**19
        if call.name == "SQUARED_DIFFERENCE":
            reach, largest = 2.0**12, largest**2
        if largest >= reach * own:
            raise call.fails(f"have scales within {reach:.0f} times that of its output", scales)
