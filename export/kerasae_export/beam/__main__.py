"""`python -m kerasae_export.beam`: the pipelines as commands."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from kerasae_export.beam.pipeline import METRICS, CompressPictures, EncodePictures
from kerasae_export.console import open_streams, printable
from kerasae_export.errors import BundleError

RUNNER = "FnApiRunner"  # Beam's own default downloads a runner


def main(arguments: list[str] | None = None) -> int:
    """Run a pipeline and print what it did.

    Returns:
        0; 1 if pictures failed; 2 if the arguments were wrong.
    """
    open_streams()
    options, rest = _parser().parse_known_args(arguments)
    try:
        for pattern, matched in zip(
            options.patterns,
            FileSystems.match(options.patterns, limits=[1] * len(options.patterns)),
            strict=True,
        ):
            if not matched.metadata_list:
                raise ValueError(f"`patterns` must match files. Received: {pattern!r}")
        transform = _transform(options)
        pipeline = beam.Pipeline(options=PipelineOptions(["--runner", RUNNER, *rest]))
        _ = pipeline | "patterns" >> beam.Create(options.patterns) | transform
    except (BundleError, ValueError) as error:
        sys.stderr.write(f"Error: {printable(error)}\n")
        return 2
    result = pipeline.run()
    result.wait_until_finish()
    counts = _counts(result)
    sys.stdout.write(
        f"{counts['made']:,} pictures {options.done}, {counts['bytes_read'] / 1e6:,.1f} MB to "
        f"{counts['bytes_made'] / 1e6:,.1f} MB; {counts['unchanged']:,} were there, "
        f"{counts['passed_over']:,} files are no pictures\n"
    )
    if counts["failed"]:
        told = f"{counts['failed']:,} failed: see the failed files in {options.out}"
        sys.stderr.write(f"{printable(told)}\n")
    return 1 if counts["failed"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kerasae_export.beam",
        description="Compress very many pictures, or make their codes, on Apache Beam.",
        epilog="Other options are Beam's own, such as --runner or --direct_num_workers.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    compress = commands.add_parser("compress", help="pictures into an archive of .kae files")
    compress.add_argument("--quality", type=int, help="as for kae compress")
    compress.add_argument("--effort", type=int, help="as for kae compress, without a bundle")
    compress.set_defaults(done="compressed")
    codes = commands.add_parser("codes", help="pictures into codes, for a search by likeness")
    codes.set_defaults(done="encoded")
    for command in (compress, codes):
        command.add_argument("patterns", nargs="+", metavar="PATTERN", help="such as 'photos/**'")
        command.add_argument("--out", required=True, help="folder of the archive")
        command.add_argument("--bundle", help="a bundle's folder", required=command is codes)
        command.add_argument("--shards", type=int, default=16, help="number of files (16)")
    return parser


def _transform(options: argparse.Namespace) -> beam.PTransform:
    if options.done == "encoded":
        return EncodePictures(options.out, bundle=options.bundle, shards=options.shards)
    told: dict[str, Any] = {} if options.effort is None else {"effort": options.effort}
    return CompressPictures(
        options.out,
        bundle=options.bundle,
        shards=options.shards,
        quality=options.quality,
        **told,
    )


def _counts(result: Any) -> Counter[str]:
    named = beam.metrics.MetricsFilter().with_namespace(METRICS)
    counters = result.metrics().query(named)["counters"]
    return Counter({one.key.metric.name: one.result for one in counters})


if __name__ == "__main__":
    sys.exit(main())
