"""How many cores this process may use: what joblib says, which takes long to import."""

from __future__ import annotations

import math
import os
from pathlib import Path

# Where Linux says how much processor time a container has, in cgroups version 2 and 1.
_LIMITS = (
    ("/sys/fs/cgroup/cpu.max",),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)


def count() -> int:
    """The least of the machine's cores, those of its affinity, of its container, and of loky.

    The last is the environment variable LOKY_MAX_CPU_COUNT, which joblib knows, too.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    own = int(os.environ.get("LOKY_MAX_CPU_COUNT", cores))
    return max(1, min(cores, _in_container(cores), own))


def _in_container(cores: int) -> int:
    for files in _LIMITS:
        if all(map(os.path.exists, files)):
            # A time out of a period, both in microseconds; "max" or -1 is no limit.
            time, period = " ".join(Path(file).read_text() for file in files).split()
            return cores if time in ("max", "-1") else math.ceil(int(time) / int(period))
    return cores
