"""What LiteRT looks up of its core; where it finds none, as under emulation, it crashes."""

from __future__ import annotations

from pathlib import Path

__all__ = ["stand_in_for_a_core"]

CPU_INFO = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3
"""
CPU_FILES = {
    **dict.fromkeys(("possible", "present", "online", "kernel_max"), 0),
    "cpu0/cpufreq/cpuinfo_max_freq": 1500000,
    "cpu0/cpufreq/cpuinfo_min_freq": 600000,
    **{f"cpu0/topology/{name}_id": 0 for name in ("physical_package", "core", "cluster")},
    **{f"cpu0/topology/{name}_siblings": 1 for name in ("core", "thread")},
    **{f"cpu0/topology/{name}_siblings_list": 0 for name in ("core", "thread")},
    **{f"cpu0/topology/{name}_cpus_list": 0 for name in ("core", "package", "cluster")},
}


def stand_in_for_a_core(root: Path) -> None:
    """Write what describes a Cortex-A72 where qemu looks before it looks at this machine."""
    for name, value in CPU_FILES.items():
        path = root / "sys" / "devices" / "system" / "cpu" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc" / "cpuinfo").write_text(CPU_INFO)
