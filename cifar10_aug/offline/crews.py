"""Who writes the shards: processes of this machine, through joblib, or Apache Beam's workers."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import joblib

from cifar10_aug.errors import ExportError
from cifar10_aug.offline import worker
from cifar10_aug.offline.shards import Frozen, Shard
from cifar10_aug.offline.staging import Staging

_LOOK_SECONDS = 0.5


class Crew(Protocol):
    """Writes shards; the bytes do not depend on who does."""

    def starting(self, frozen: Frozen) -> contextlib.AbstractContextManager[None]:
        """Gets workers ready in the background, and lets go of them on leaving."""

    def write(self, staging: Staging, shards: Sequence[Shard]) -> Iterator[Shard]:
        """Writes the shards and yields each when it is there, in any order."""


class LocalCrew:
    """Processes of this machine; with one job, this process itself."""

    def __init__(self, jobs: int | None = None):
        """Takes the number of processes; None is one for each core."""
        self._jobs = joblib.cpu_count() if jobs is None else jobs
        self._parallel: Any = None
        self._getting_ready: Any = ()

    @contextlib.contextmanager
    def starting(self, frozen: Frozen) -> Iterator[None]:
        # loky starts fresh interpreters, so that nothing is forked when TensorFlow is running.
        self._parallel = joblib.Parallel(
            self._jobs,
            backend="loky" if self._jobs > 1 else "sequential",
            return_as="generator_unordered",
            batch_size=1,
        )
        with self._parallel:
            ready = joblib.delayed(worker.get_ready)
            self._getting_ready = self._parallel(
                ready(frozen, os.getpid()) for _ in range(self._jobs)
            )
            with _ending(self._getting_ready):
                yield

    def write(self, staging: Staging, shards: Sequence[Shard]) -> Iterator[Shard]:
        failures: list[Exception] = []

        def tasks() -> Iterator[Any]:
            for shard in shards:
                if failures:
                    return
                yield joblib.delayed(_attempt)(staging, shard)

        try:
            for _ in self._getting_ready:
                pass
            writing = self._parallel(tasks())
            with _ending(writing):
                for shard, failure in writing:
                    if failure is not None:
                        failures.append(failure)
                    else:
                        yield shard
        except joblib.externals.loky.process_executor.BrokenProcessPool as error:
            raise ExportError(
                f"{staging.shards}: a worker process ended unexpectedly, perhaps because memory "
                "ran out; finished shards are kept, so run the same command again, with fewer jobs"
            ) from error
        if failures:
            raise failures[0]


def _attempt(staging: Staging, shard: Shard) -> tuple[Shard, Exception | None]:
    """Writes a shard; a failure is handed back, for joblib to end in good order."""
    try:
        worker.write(staging, shard)
    except Exception as error:
        return shard, error
    return shard, None


@contextlib.contextmanager
def _ending(tasks: Any) -> Iterator[None]:
    """Waits for tasks under way if there is an error, and cancels them if there is an interrupt."""
    try:
        yield
    except Exception:
        for _ in tasks:
            pass
        raise
    except BaseException:
        with warnings.catch_warnings():
            # joblib warns of cancelled tasks, which is meant here.
            warnings.filterwarnings("ignore", "[0-9]+ tasks", UserWarning)
            tasks.close()
        raise


class BeamCrew:
    """The workers of an Apache Beam runner; all must reach the staging folder by its path."""

    def __init__(self, runner: Any = None, options: Any = None):
        """Takes what TFDS's `DownloadConfig` calls beam_runner and beam_options."""
        self._runner, self._options = runner, options

    @contextlib.contextmanager
    def starting(self, frozen: Frozen) -> Iterator[None]:
        try:
            import apache_beam
        except ImportError as error:
            raise ExportError(
                "Apache Beam is not installed; pip install 'cifar10_aug[beam]', or leave the "
                "Beam options out"
            ) from error
        del apache_beam
        yield

    def write(self, staging: Staging, shards: Sequence[Shard]) -> Iterator[Shard]:
        left, failures = list(shards), list[Exception]()
        if not left:
            return
        running = threading.Thread(target=self._run, args=(staging, left, failures), daemon=True)
        running.start()
        # Beam says nothing while it runs, but each finished shard leaves a record.
        while left:
            running.join(_LOOK_SECONDS)
            alive = running.is_alive()
            for shard in [one for one in left if staging.finished(one)]:
                left.remove(shard)
                yield shard
            if not alive:
                break
        running.join()
        if failures:
            raise failures[0]
        assert not left, "Beam ended without an error and without all shards"

    def _run(self, staging: Staging, shards: list[Shard], failures: list[Exception]) -> None:
        import apache_beam as beam

        try:
            with beam.Pipeline(runner=self._runner, options=self._options) as pipeline:
                _ = (
                    pipeline
                    | "Shards" >> beam.Create(list(shards))
                    | "Spread" >> beam.Reshuffle()
                    | "Write" >> beam.Map(functools.partial(_written, staging))
                )
        except Exception as error:
            failures.append(error)


def _written(staging: Staging, shard: Shard) -> Shard:
    worker.write(staging, shard)
    return shard
