"""Who writes the shards: processes of this machine, through joblib, or Apache Beam's workers."""

from __future__ import annotations

import collections
import contextlib
import functools
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from typing import Any, Protocol

from joblib.externals import loky

from cifar10_aug.errors import ExportError
from cifar10_aug.frozen import worker
from cifar10_aug.frozen.shards import Frozen, Shard
from cifar10_aug.frozen.staging import Staging
from cifar10_aug.recipes.function_pickling import NOTHING, Carried

_LOOK_SECONDS = 0.5


class Crew(Protocol):
    """Writes shards; the bytes do not depend on who does."""

    def starting(self, frozen: Frozen) -> contextlib.AbstractContextManager[None]:
        """Gets workers ready in the background, and lets go of them on leaving."""

    def write(self, staging: Staging, shards: Sequence[Shard]) -> Iterator[Shard]:
        """Writes the shards and yields each when it is there, in any order."""


class LocalCrew:
    """This process, and others beside it that joblib's loky starts."""

    def __init__(self, jobs: int, carried: Carried = NOTHING):
        """Takes the number of processes, this one included, and functions for the others."""
        self._others = jobs - 1
        self._carried = carried
        self._executor: Any = None

    @contextlib.contextmanager
    def starting(self, frozen: Frozen) -> Iterator[None]:
        if not self._others:
            yield
            return
        # loky starts fresh interpreters, so nothing is forked when TensorFlow is running.
        self._executor = loky.ProcessPoolExecutor(
            self._others,
            initializer=worker.get_ready,
            initargs=(frozen, os.getpid(), self._carried),
        )
        # Processes start when there is something to do.
        for _ in range(self._others):
            self._executor.submit(os.getpid)
        try:
            yield
        except Exception:
            # What is under way ends in good order.
            self._executor.shutdown(wait=True)
            raise
        finally:
            self._executor.shutdown(wait=True, kill_workers=True)

    def write(self, staging: Staging, shards: Sequence[Shard]) -> Iterator[Shard]:
        left = collections.deque(shards)
        under_way: set[Future[Shard]] = set()
        try:
            while left or under_way:
                # One to work on and one to go on with, for each of the others.
                while left and len(under_way) < 2 * self._others:
                    under_way.add(self._executor.submit(_written, staging, left.popleft()))
                if left:
                    yield _written(staging, left.popleft())
                    done = {future for future in under_way if future.done()}
                else:
                    done, _ = futures.wait(under_way, return_when=futures.FIRST_COMPLETED)
                under_way -= done
                for future in done:
                    yield future.result()
        except loky.BrokenProcessPool as error:
            raise ExportError(
                f"{staging.shards}: a worker process ended unexpectedly, perhaps because memory "
                "ran out; finished shards are kept, so run the same command again, with fewer jobs"
            ) from error
        finally:
            for future in under_way:
                future.cancel()


class BeamCrew:
    """The workers of an Apache Beam runner; all must reach the staging folder by its path."""

    def __init__(self, runner: Any = None, options: Any = None, carried: Carried = NOTHING):
        """Takes what TFDS's `DownloadConfig` calls beam_runner and beam_options, and functions."""
        self._runner, self._options, self._carried = runner, options, carried

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
        left, failures = list(shards), list[BaseException]()
        if not left:
            return
        arguments = (staging, list(shards), failures)
        running = threading.Thread(target=self._run, args=arguments, daemon=True)
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
            reason = str(failures[0]).strip().splitlines() or [type(failures[0]).__name__]
            raise ExportError(
                f"{staging.shards}: Apache Beam ended with an error ({reason[-1]}); finished "
                "shards are kept, so mend it and run the same command again"
            ) from failures[0]
        assert not left, "Beam ended without an error and without all shards"

    def _run(self, staging: Staging, shards: list[Shard], failures: list[BaseException]) -> None:
        import apache_beam as beam

        write = functools.partial(_written_on_beam, self._carried, staging)
        try:
            with beam.Pipeline(runner=self._runner, options=self._options) as pipeline:
                _ = (
                    pipeline
                    | "Shards" >> beam.Create(shards)
                    | "Spread" >> beam.Reshuffle()
                    | "Write" >> beam.Map(write)
                )
        except BaseException as error:
            # Raised again in `write`; Beam leaves by SystemExit when it is given a wrong option.
            failures.append(error)


def _written(staging: Staging, shard: Shard) -> Shard:
    worker.write(staging, shard)
    return shard


def _written_on_beam(carried: Carried, staging: Staging, shard: Shard) -> Shard:
    carried.register()
    return _written(staging, shard)
