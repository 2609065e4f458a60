"""What several commands print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from kerasae_export.verification import Verification

__all__ = ["open_console", "show_measurements", "shown"]


def open_console() -> Console:
    """The console that a command prints on, wide enough for its tables."""
    from rich.console import Console

    # A pipe has no width; 80 columns would break the table.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 110)


def shown(text: object) -> str:
    """A name, or whatever else comes from outside, as the console takes it literally."""
    from rich.markup import escape

    from kerasae_export.console import printable

    return escape(printable(text))


def show_measurements(console: Console, verification: Verification) -> None:
    """What a verification has measured of a bundle: sizes, times, memory, errors, parity."""
    from rich.table import Table

    measured = verification.measurements
    peak = measured.get("peak_bytes", {})
    table = Table(title="The bundle, measured on this machine", title_justify="left")
    table.add_column("part")
    for name in ("parameters", "file bytes", "MAC per pixel", "1 thread, ms", "2 threads, ms"):
        table.add_column(name, justify="right")
    if peak:
        table.add_column("peak memory", justify="right")
    for part in ("encoder", "decoder"):
        latency = [measured["latency_ms"][f"{part}, {n}"] for n in ("1 thread", "2 threads")]
        parameters = (measured["parameters"] or {}).get(part)
        macs = measured["costs"][part]["macs_per_pixel"]
        row = [
            part,
            "?" if parameters is None else f"{parameters:,}",
            f"{measured['bytes'][part]:,}",
            "?" if macs is None else f"{macs:,.0f}",
            *(f"{t['median']:.3g}" for t in latency),
        ]
        if peak:
            row.append("?" if peak[part] is None else f"{peak[part] / 1e6:.1f} MB")
        table.add_row(*row)
    console.print("", table)
    worst = measured.get("layers", {}).get("largest_error")
    if worst:
        console.print(
            f"Largest error of a layer: {worst['layer']} ({worst['operator']}) of the "
            f"{worst['part']}, {worst['own']:.1f} dB below its signal.",
            soft_wrap=True,
        )
    most = measured.get("layers", {}).get("costs_most")
    if most:
        console.print(
            f"Costs most: {most['layer']} of the {most['part']}, {most['loss_db']:.2f} dB.",
            soft_wrap=True,
        )
    parity = measured.get("parity")
    if parity:
        console.print(
            f"Keras against TF Lite on {parity['images']} images: code differs by "
            f"{parity['code_difference_mean']:.2%} of its range on average, pixels by "
            f"{parity['pixel_difference_mean'] * 255:.2f} of 255; "
            f"PSNR {parity['psnr_keras']:.2f} dB in Keras, {parity['psnr_tflite']:.2f} in TF Lite, "
            f"{parity['psnr_codec']:.2f} with the code rounded for the bitstream; "
            f"SSIM {parity['ssim_keras']:.4f}, {parity['ssim_tflite']:.4f}, "
            f"{parity['ssim_codec']:.4f}.",
            soft_wrap=True,
        )
