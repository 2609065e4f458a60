"""One training on several processes or devices: who reads what, and who writes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae import _arguments

__all__ = [
    "Hosts",
    "HostsError",
    "connect_hosts",
    "hosts_of_training",
    "on_one_device",
    "telling_of_others",
]

_HEARTBEAT = 60  # seconds until a dead process is missed
_SHUTDOWN = 86_400  # that the others wait at the end for process 0, which writes the report
_COORDINATOR = ("KERAS_DISTRIBUTION_JOB_ADDRESSES", "JAX_COORDINATOR_ADDRESS")
_PROCESSES = ("KERAS_DISTRIBUTION_NUM_PROCESSES", "JAX_NUM_PROCESSES", "WORLD_SIZE")
_PROCESS = ("KERAS_DISTRIBUTION_PROCESS_ID", "JAX_PROCESS_ID", "RANK")
_CLUSTERS = (
    ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID"),
    ("OMPI_MCA_orte_hnp_uri",),
    ("KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX"),
    ("TPU_WORKER_ID", "TPU_WORKER_HOSTNAMES"),
)
_SIGNS = ("Gloo", "NCCL", "heartbeat", "coordination service", "Connection closed", "UNAVAILABLE")


class HostsError(RuntimeError):
    """Another process of a training has died, or they do not train the same."""


@dataclasses.dataclass(frozen=True)
class Hosts:
    """The processes that train one model together, and which of them this is.

    Attributes:
        processes: How many there are.
        index: Which one this is, from 0; process 0 writes the run folder.
        devices: Devices of all processes together, each with a copy of the weights.
    """

    processes: int = 1
    index: int = 0
    devices: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.index == 0

    def check_batch_size(self, batch_size: int) -> int:
        """The images of a batch that this process reads.

        Raises:
            ValueError: If the devices cannot have equal parts of a batch.
        """
        if batch_size % self.devices:
            raise ValueError(
                f"`batch_size` must be a multiple of the {self.devices} devices, which share each "
                f"batch. Received: batch_size={batch_size}"
            )
        return batch_size // self.processes

    def count(self, examples: int, batch_size: int) -> int:
        """The batches of an epoch: the last one counts where each device has a part of it."""
        whole, rest = divmod(examples, batch_size)
        return whole + (rest >= self.devices)

    def part(self, chosen: NDArray[Any]) -> NDArray[Any]:
        """What this process reads of the examples of a batch; what cannot be shared is left out."""
        share = len(chosen) // self.devices * self.devices // self.processes
        return chosen[self.index * share : (self.index + 1) * share]

    def agree(self, argument: str, rule: str, *numbers: int) -> None:
        """Check that all processes have the same numbers.

        Raises:
            HostsError: If one has others.
        """
        if self.processes == 1:
            return
        from jax.experimental import multihost_utils

        all_of_them = multihost_utils.process_allgather(np.array(numbers, np.int32))
        if (all_of_them != all_of_them[0]).any():
            raise HostsError(
                f"`{argument}` must {rule}. Received: {all_of_them.tolist()}, a row for each of "
                f"the {self.processes} processes"
            )


def hosts_of_training() -> Hosts:
    """What Keras's distribution says; one process and one device where there is none.

    Raises:
        ValueError: If it shares the weights, too.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return Hosts()
    if not isinstance(distribution, keras.distribution.DataParallel):
        raise ValueError(
            "`keras.distribution` must be DataParallel, which gives each device a copy of the "
            f"weights. Received: {type(distribution).__name__}"
        )
    devices = int(np.size(distribution.device_mesh.devices))
    if keras.backend.backend() != "jax":
        return Hosts(devices=devices)
    import jax

    return Hosts(jax.process_count(), jax.process_index(), devices)


def connect_hosts(
    coordinator: str | None = None, processes: int | None = None, process_id: int | None = None
) -> Hosts:
    """Make this process one of several that train a model together, with Keras on JAX.

    Call it in every process, before a model is built and before JAX computes anything. Each device
    of each process then has a copy of the weights and an equal part of every batch, so that
    `batch_size` is that of all together (`keras.distribution.DataParallel`). `train` reads in each
    process what that process needs, and process 0 writes.

    What is not given is read from the environment: `KERAS_DISTRIBUTION_JOB_ADDRESSES`,
    `_NUM_PROCESSES` and `_PROCESS_ID`; `JAX_COORDINATOR_ADDRESS`, `JAX_NUM_PROCESSES` and
    `JAX_PROCESS_ID`; `MASTER_ADDR`, `MASTER_PORT`, `WORLD_SIZE` and `RANK`; or what JAX detects of
    Slurm, Open MPI, Kubernetes and cloud TPUs. Where nothing of this is set, all devices of this
    machine train together.

    Args:
        coordinator: Address of process 0, `"host:port"`, the same in all processes.
        processes: Number of processes.
        process_id: Which one this is, from 0.

    Returns:
        The processes, and which of them this is.

    Raises:
        ValueError: If Keras does not run on JAX, an argument breaks its rule, or some of the three
            are known and others are not.
        HostsError: If the processes do not find each other within five minutes.

    Example:
        >>> import keras
        >>> if keras.backend.backend() == "jax":  # doctest: +SKIP
        ...     hosts = connect_hosts("10.0.0.1:1234", processes=2, process_id=0)
    """
    if keras.backend.backend() != "jax":
        raise ValueError(
            "`KERAS_BACKEND` must be jax to train on several hosts or devices. "
            f"Received: KERAS_BACKEND={keras.backend.backend()}"
        )
    found = _found(coordinator, processes, process_id, os.environ)
    import jax

    if found is not None or _is_cluster(os.environ):
        address, count, number = found or (None, None, None)
        try:
            jax.distributed.initialize(
                address,
                count,
                number,
                heartbeat_timeout_seconds=_HEARTBEAT,
                shutdown_timeout_seconds=_SHUTDOWN,
            )
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            if isinstance(error, ValueError):
                raise ValueError(
                    "`coordinator`, `processes` and `process_id` must be given where JAX does not "
                    f"find the cluster by itself. Received: {reason}"
                ) from None
            if "before" in reason or "once" in reason:
                raise ValueError(
                    "`connect_hosts` must be called once, before JAX computes anything. "
                    f"Received: {reason}"
                ) from None
            raise HostsError(
                f"`coordinator` must be an address at which all processes find process 0. "
                f"Received: {address}: {reason}"
            ) from None
        keras.utils.set_random_seed(0)  # alike in all of them; `train` and models have their own
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    return hosts_of_training()


def _found(
    coordinator: str | None,
    processes: int | None,
    process_id: int | None,
    environment: Mapping[str, str],
) -> tuple[str, int, int] | None:
    """Address, number and place, given or from the environment; None where there is none of it.

    Raises:
        ValueError: If one is missing, or breaks its rule.
    """
    address: Any = coordinator
    if address is None:
        address = _first(_COORDINATOR, environment)
        address = address.split(",")[0] if address else None
        if address is None and "MASTER_ADDR" in environment:
            address = f"{environment['MASTER_ADDR']}:{environment.get('MASTER_PORT', '')}"
    count: Any = _first(_PROCESSES, environment) if processes is None else processes
    number: Any = _first(_PROCESS, environment) if process_id is None else process_id
    known = {"coordinator": address, "processes": count, "process_id": number}
    if all(value is None for value in known.values()):
        return None
    missing = [name for name, value in known.items() if value is None]
    if missing:
        given = ", ".join(f"{name}={v!r}" for name, v in known.items() if v is not None)
        raise ValueError(
            f"`{missing[0]}` must be known, too: by argument or by the environment. "
            f"Received: {given}"
        )
    host, colon, port = str(address).rpartition(":")
    if not (host and colon and port.isdigit() and 0 < int(port) < 2**16):
        raise ValueError(f'`coordinator` must be "host:port". Received: coordinator={address!r}')
    count = _arguments.positive_int("processes", _integer("processes", count))
    number = _integer("process_id", number)
    if isinstance(number, bool) or not 0 <= number < count:
        raise ValueError(
            f"`process_id` must be from 0 to {count - 1}. Received: process_id={number}"
        )
    return str(address), count, number


def _first(names: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)


def _integer(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"`{name}` must be an integer. Received: {name}={value!r}") from None


def _is_cluster(environment: Mapping[str, str]) -> bool:
    """Whether JAX can find the processes by itself: Slurm, Open MPI, an indexed job, TPUs."""
    return any(all(name in environment for name in names) for names in _CLUSTERS)


@contextlib.contextmanager
def telling_of_others(hosts: Hosts) -> Iterator[None]:
    """Say in a sentence that another process has died.

    Raises:
        HostsError: If JAX could not reach one.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:  # JAX raises either
        text = str(error)
        if hosts.processes == 1 or not any(word in text for word in _SIGNS):
            raise
        reason = next(line for line in text.splitlines() if any(word in line for word in _SIGNS))
        raise HostsError(
            f"all {hosts.processes} processes must go on until the training ends, and one of them "
            "has died or cannot be reached; started again with `resume`, they continue after the "
            f"last checkpoint. Received: {reason:.200}"
        ) from None


@contextlib.contextmanager
def on_one_device(hosts: Hosts, model: keras.Model) -> Iterator[keras.Model]:
    """The model, or with several processes a copy that this process can run by itself.

    A model that is shared computes only where all processes do so together.
    """
    if hosts.processes == 1:
        yield model
        return
    weights = model.get_weights()
    with _undistributed():
        copied = type(model).from_config(model.get_config())
        copied.compile_from_config(model.get_compile_config())
        copied.set_weights(weights)
        yield copied


@contextlib.contextmanager
def _undistributed() -> Iterator[None]:
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)
