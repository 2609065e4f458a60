"""`sweep`: settings to try in, a run folder for each and a table out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kerasae import _arguments
from kerasae.runs import Run, portable
from kerasae.sweeps.results import MEASURES, Sweep, read_results, write_results
from kerasae.sweeps.running import Job, run_apart, run_here
from kerasae.sweeps.settings import Between, check_names, choices_of, settings_of
from kerasae.training import TrainConfig
from kerasae.training.inputs import check_config
from kerasae.training.lock import locked
from kerasae_export.atomic import write_file
from kerasae_export.format.numbers import plain

__all__ = ["PLAN", "sweep"]

PLAN = "sweep.json"


def sweep(
    architecture: str,
    data: str,
    out: str | os.PathLike[str],
    vary: Mapping[str, Sequence[Any] | Between],
    *,
    hyperparameters: Mapping[str, Any] | None = None,
    config: TrainConfig = TrainConfig(),
    image_size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
    samples: int | None = None,
    measure: str = "val_loss",
    seed: int = 0,
    jobs: int = 1,
    resume: bool = False,
    progress: bool = True,
) -> Sweep:
    """Train an architecture with several settings, and rank them on validation images.

    `out` gets a run folder for each setting, `runs/000` and so on, the table as `sweep.csv`, and
    `sweep.html` with the table and a plot of parallel coordinates, both brought up to date after
    each run. A run that fails is shown with its reason, and the others go on. A search that was
    killed goes on where it was: what had ended stays, an interrupted run resumes from its
    checkpoint, and a failed one is tried again. All runs have the same split of the data.

    Args:
        architecture: A key of `BUILDERS`.
        data: A source for `load_images` or `load_sequences`.
        out: The folder, created if missing.
        vary: Hyperparameters of the builder and fields of `TrainConfig`, `seed` among them, each
            with the values to try or a range `Between(low, high)`.
        hyperparameters: Those that all runs have.
        config: How all runs are trained.
        image_size: See `load_images`.
        channels: See `load_images`.
        limit: See `load_images`.
        samples: How many settings to draw at random (Bergstra & Bengio 2012); None for all
            combinations, which takes lists only.
        measure: `"val_loss"`, or `"psnr"` where settings have different losses.
        seed: Of the split and of the settings that are drawn.
        jobs: Runs at a time, each in a process of its own if there are several; fewer where the
            memory has no room for them, by what the first one took.
        resume: Go on with the search in `out`.
        progress: Show a progress bar.

    Returns:
        The results, `best` and `ranked` among them, and `plot`.

    Raises:
        ValueError: If an argument breaks its rule, or `out` holds a search and `resume` is False,
            or another search.

    Example:
        >>> import tempfile, kerasae
        >>> found = sweep(
        ...     "undercomplete", "digits", tempfile.mkdtemp(), {"code_size": [2, 8]},
        ...     config=kerasae.TrainConfig(epochs=1), limit=64, progress=False,
        ... )
        >>> [result.setting["code_size"] for result in found.results]
        [2, 8]
    """
    check_config(config)
    _arguments.one_of("measure", measure, MEASURES)
    count, seed = _arguments.positive_int("jobs", jobs), _arguments.seed(seed)
    fixed = dict(_arguments.mapping("hyperparameters", hyperparameters or {}))
    choices = choices_of(vary)
    check_names(architecture, [*choices, *fixed])
    for name in choices.keys() & fixed.keys():
        raise ValueError(f"`vary` must not name a hyperparameter that is fixed. Received: {name}")
    settings = settings_of(choices, samples, seed)
    run = Run(
        architecture,
        fixed,
        portable(data),
        image_size=image_size,
        channels=channels,
        limit=limit,
        seed=seed,
    )
    folder = Path(out)
    planned = [
        Job.of(run, config, setting, folder / "runs" / f"{i:03d}")
        for i, setting in enumerate(settings)
    ]
    images = run.images()  # data that cannot be had fail once, before anything is written
    with locked(folder):
        _plan(folder, run, config, choices, settings, resume)
        name = f"{architecture} on {data}"
        return _search(folder, planned, settings, name, measure, count, progress, images)


def _search(
    folder: Path,
    planned: Sequence[Job],
    settings: Sequence[Mapping[str, Any]],
    name: str,
    measure: str,
    count: int,
    progress: bool,
    images: Any,
) -> Sweep:
    def found() -> Sweep:
        return Sweep(name, measure, read_results(folder, settings))

    done = [result.status == "done" for result in found().results]
    left = [job for job, ended in zip(planned, done, strict=True) if not ended]
    with _bar(len(planned), sum(done), progress) as advance:

        def told() -> None:
            write_results(found(), folder)
            advance(found())

        if count == 1:
            run_here(left, images, told)
        else:
            run_apart(left, count, told)
    ended = found()
    write_results(ended, folder)
    return ended


@contextlib.contextmanager
def _bar(total: int, done: int, progress: bool) -> Iterator[Callable[[Sweep], None]]:
    """A bar of runs, and what the best has reached."""
    if not progress:
        yield lambda found: None
        return
    columns = (
        TextColumn("sweep"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[best]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as bar:
        task = bar.add_task("sweep", total=total, completed=done, best="")

        def advance(found: Sweep) -> None:
            best = found.best
            text = "" if best is None else f"best {getattr(best, found.measure):.4g}"
            failed = sum(result.status == "failed" for result in found.results)
            text += f", {failed} failed" if failed else ""
            bar.update(task, advance=1, best=text)

        yield advance


def _plan(
    folder: Path,
    run: Run,
    config: TrainConfig,
    choices: Mapping[str, Any],
    settings: Sequence[Mapping[str, Any]],
    resume: bool,
) -> None:
    """Write what is searched, or see that a resumed search is the same.

    Raises:
        ValueError: If it is another, or there is one and it is not to be resumed.
    """
    content = json.loads(
        json.dumps(
            {
                "run": plain(dataclasses.asdict(run)),
                "config": json.loads(config.to_json()),
                "vary": {
                    name: dataclasses.asdict(v) if isinstance(v, Between) else v
                    for name, v in choices.items()
                },
                "settings": list(settings),
            }
        )
    )
    file = folder / PLAN
    if file.exists():
        if not resume:
            raise ValueError(
                "`out` must not hold a sweep already, unless `resume` is set to continue it. "
                f"Received: out={os.fspath(folder)!r}"
            )
        try:
            before = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            before = {}
        for name, value in content.items():
            if not isinstance(before, dict) or before.get(name) != value:
                raise ValueError(
                    f"`resume` needs the options of the sweep in {os.fspath(folder)!r}, whose "
                    f"{name} is another; {PLAN} there has it. Received: {name}={value!r}"
                )
        return
    if (folder / "runs").exists():
        raise ValueError(
            f"`out` must be a new folder, or that of a sweep. Received: out={os.fspath(folder)!r}, "
            f"which has runs and no {PLAN}"
        )
    write_file(file, (json.dumps(content, indent=1) + "\n").encode())
