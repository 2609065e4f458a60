"""Several codebooks beside one, at equal bits: row 17."""

from __future__ import annotations

from typing import Any

from quantizers import EPOCHS, IMAGES, result_of

from rows import Row


def residual_levels() -> dict[str, Any]:
    """Four levels of 64 entries at 8x8 positions, and one codebook of 64 at 16x16."""
    plain, levels = result_of("plain-1536"), result_of("residual-1536")
    coarse = {name: result_of(f"{name}-768")["error"] for name in ("plain", "residual")}
    if abs(plain["bits"] - levels["bits"]) > 1e-6:
        raise ArithmeticError("the bits of an image differ")
    return {
        "figure": 100 * (1 - levels["error"] / plain["error"]),
        "one_codebook": plain["error"],
        "four_levels": levels["error"],
        "one_codebook_of_4096": coarse["plain"],
        "two_levels_of_64": coarse["residual"],
        "training_seconds": plain["seconds"] + levels["seconds"],
    }


ROWS = {
    "residual": Row(
        title="17. residual quantisation (Lee 2022)",
        protocol=f"copies of CIFAR-10, lossy; 1,536 bits an image: 8x8 positions of four levels "
        "of 64 entries, against one codebook of 64 entries at 16x16 positions in a network of as "
        "many convolutions, whose second one does not halve the map; mean squared error of the "
        f"test images; {EPOCHS} epochs of {IMAGES:,} images each",
        published="no comparable figure",
        unit="% lower",
        passes=10.0,
        matches=25.0,
        better="higher",
        run=residual_levels,
        remark="one codebook of as many bits at 8x8 positions would have 2^24 entries; at half the "
        "bits, where it can be had, 4,096 entries and two levels of 64 are compared in the very "
        "same network, and both errors are given above as shares of the variance",
    )
}
