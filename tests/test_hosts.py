"""Several processes or devices train one model: equal to one, one writes, and a death is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from kerasae.data.sources import Source, part_of
from kerasae.training.hosts import Hosts, _found, connect_hosts
from kerasae.training.run_folder import CHECKPOINT, MODEL, REPORT

SCRIPT = Path(__file__).with_name("hosts.py")


def test_the_parts_of_a_batch_are_equal_and_together_all_that_can_be_shared():
    chosen = np.arange(100)
    parts = [Hosts(3, i, 6).part(chosen) for i in range(3)]
    assert [len(part) for part in parts] == [32, 32, 32]
    np.testing.assert_array_equal(np.concatenate(parts), chosen[:96])
    np.testing.assert_array_equal(Hosts().part(chosen), chosen)


@pytest.mark.parametrize(("examples", "expected"), [(64, 2), (66, 2), (68, 3), (95, 3), (3, 0)])
def test_a_last_batch_counts_where_each_device_has_a_part(examples, expected):
    assert Hosts(2, 0, 4).count(examples, 32) == expected
    assert Hosts().count(examples, 32) == -(-examples // 32)


def test_a_batch_that_cannot_be_shared_is_refused():
    assert Hosts(2, 0, 4).check_batch_size(32) == 16
    with pytest.raises(ValueError, match=r"`batch_size` must be a multiple of the 4 devices.*=30"):
        Hosts(2, 0, 4).check_batch_size(30)


@pytest.mark.parametrize("items", [10, 11])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_process_reads_every_so_manyth_item_and_all_as_many(items, count):
    read = {"all": lambda number, start: iter(range(start, items))}
    every = lambda number, start, distance: iter(range(start, items, distance))  # noqa: E731
    for kind in (None, every):
        source = Source("test", read["all"], items, exact="it", every=kind)
        parts = [part_of(source, i, count) for i in range(count)]
        found = [list(part.read(0, 0)) for part in parts]
        assert {len(part) for part in found} == {items // count}
        assert sorted(i for part in found for i in part) == list(range(items // count * count))
        assert {part.length for part in parts} == {items // count}
        assert len({part.exact for part in parts}) == 1  # of a position that process 0 writes
        assert list(parts[-1].read(0, 2)) == found[-1][2:]


ADDRESS = "10.0.0.1:1234"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        (
            {
                "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"{ADDRESS},10.0.0.2:1234",
                "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
                "KERAS_DISTRIBUTION_PROCESS_ID": "1",
            },
            (ADDRESS, 2, 1),
        ),
        (
            {
                "JAX_COORDINATOR_ADDRESS": ADDRESS,
                "JAX_NUM_PROCESSES": "4",
                "JAX_PROCESS_ID": "0",
            },
            (ADDRESS, 4, 0),
        ),
        (
            {
                "MASTER_ADDR": "10.0.0.1",
                "MASTER_PORT": "1234",
                "WORLD_SIZE": "3",
                "RANK": "2",
            },
            (ADDRESS, 3, 2),
        ),
    ],
)
def test_the_environment_of_a_cluster_is_read(environment, expected):
    assert _found(None, None, None, environment) == expected


def test_arguments_come_before_the_environment():
    environment = {"JAX_COORDINATOR_ADDRESS": "elsewhere:1", "JAX_PROCESS_ID": "3"}
    assert _found(ADDRESS, 2, 1, environment) == (ADDRESS, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ADDRESS, None, None), "`processes` must be known, too: .*Received: coordinator="),
        ((ADDRESS, 2, None), "`process_id` must be known, too"),
        ((None, 2, 0), "`coordinator` must be known, too"),
        (("somewhere", 2, 0), '`coordinator` must be "host:port".*somewhere'),
        (("a:b", 2, 0), '`coordinator` must be "host:port"'),
        (("a:70000", 2, 0), '`coordinator` must be "host:port"'),
        ((ADDRESS, 0, 0), "`processes` must be a positive integer"),
        ((ADDRESS, 2, 2), "`process_id` must be from 0 to 1. Received: process_id=2"),
        ((ADDRESS, 2, -1), "`process_id` must be from 0 to 1"),
        ((ADDRESS, "two", 0), "`processes` must be an integer. Received: processes='two'"),
    ],
)
def test_what_is_wrong_with_a_cluster_is_said(arguments, message):
    with pytest.raises(ValueError, match=message):
        _found(*arguments, {})


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="this is what JAX is for")
def test_another_backend_is_refused():
    with pytest.raises(ValueError, match="`KERAS_BACKEND` must be jax"):
        connect_hosts(ADDRESS, 2, 0)


def free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def start(out: Path, *arguments: object, **environment: str) -> subprocess.Popen:
    known = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **environment}
    command = [sys.executable, SCRIPT, out, *arguments]
    return subprocess.Popen(
        [str(part) for part in command],
        env=known,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def together(out: Path, architecture: str, kind: str, processes: int) -> list[dict]:
    """What each process has at the end."""
    out.mkdir()
    port = free_port()
    running = [start(out, architecture, kind, processes, i, port) for i in range(processes)]
    said = [process.communicate(timeout=400)[0] for process in running]
    assert [process.returncode for process in running] == [0] * processes, said
    return [json.loads((out / f"{i}.json").read_text()) for i in range(processes)]


def assert_equal_training(found: dict, expected: dict) -> None:
    for name, values in expected["history"].items():
        np.testing.assert_allclose(found["history"][name], values, rtol=2e-5, err_msg=name)
    np.testing.assert_allclose(found["weights"], expected["weights"], rtol=2e-4, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "kind", "processes"),
    [
        ("variational", "memory", 2),
        pytest.param("vector_quantized", "memory", 2, marks=pytest.mark.weekly),
        pytest.param("undercomplete", "stream", 2, marks=pytest.mark.weekly),
        pytest.param("variational", "memory", 4, marks=pytest.mark.weekly),
    ],
)
def test_several_processes_train_as_one_does(tmp_path, architecture, kind, processes):
    (alone,) = together(tmp_path / "alone", architecture, kind, 1)
    all_of_them = together(tmp_path / "together", architecture, kind, processes)
    for each in all_of_them:
        assert_equal_training(each, alone)
    written = tmp_path / "together" / "run"
    assert {MODEL, REPORT, CHECKPOINT} <= {file.name for file in written.iterdir()}
    saved = keras.saving.load_model(written / MODEL)
    weights = np.concatenate([np.ravel(w) for w in saved.get_weights()])
    assert len(weights) == len(alone["weights"])


@pytest.mark.slow
def test_several_devices_of_one_machine_train_as_one_does(tmp_path):
    (alone,) = together(tmp_path / "alone", "undercomplete", "memory", 1)
    out = tmp_path / "devices"
    out.mkdir()
    forced = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    process = start(out, "undercomplete", "memory", 1, "devices", **forced)
    said = process.communicate(timeout=400)[0]
    assert process.returncode == 0, said
    assert_equal_training(json.loads((out / "devices.json").read_text()), alone)


@pytest.mark.weekly
def test_a_killed_process_ends_the_training_and_it_resumes(tmp_path):
    """With a sentence; and what was written before is sound."""
    port = free_port()
    running = [start(tmp_path, "undercomplete", "memory", 2, i, port, 500) for i in range(2)]
    for _ in range(1200):
        if (tmp_path / "run" / CHECKPOINT).exists():
            break
        time.sleep(0.1)
    running[1].send_signal(signal.SIGKILL)
    said = running[0].communicate(timeout=240)[0]
    running[1].communicate()
    assert running[0].returncode != 0
    assert "HostsError: all 2 processes must go on until the training ends" in said
    assert "started again with `resume`" in said
    epochs = len((tmp_path / "run" / "history.csv").read_text().splitlines()) - 1
    port = free_port()
    longer = str(max(500, epochs))
    again = [
        start(tmp_path, "undercomplete", "memory", 2, i, port, longer, "resume") for i in range(2)
    ]
    for _ in range(1200):
        now = len((tmp_path / "run" / "history.csv").read_text().splitlines()) - 1
        if now > epochs:
            break
        time.sleep(0.1)
    for process in again:
        process.kill()
        process.communicate()
    assert now > epochs
