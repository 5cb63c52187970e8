"""A real dispatcher, and workers that know TensorFlow alone, in separate processes."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug
from cifar10_aug.pipelines import service_health, service_watch
from tests import programs

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RECIPE = "brightness"
MIXING = "resizemix"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return int(one.getsockname()[1])


class Cluster:
    """A dispatcher and workers on this machine."""

    def __init__(self, place: Path, workers: Sequence[str] = ("one", "two")):
        self._place = place
        self._processes: dict[str, programs.Program] = {}
        self.port = free_port()
        self.start_dispatcher()
        self.ports = {name: free_port() for name in ("one", "two")}
        for name in workers:
            self.start_worker(name)

    @property
    def address(self) -> str:
        return f"grpc://localhost:{self.port}"

    def start_dispatcher(self) -> None:
        work_dir = str(self._place / "dispatcher")
        self._start("dispatcher", "dispatcher", "--port", str(self.port), "--work-dir", work_dir)

    def start_worker(self, name: str) -> None:
        port = str(self.ports[name])
        self._start(name, "worker", "--dispatcher", f"localhost:{self.port}", "--port", port)

    def _start(self, name: str, *arguments: str) -> None:
        # From an empty folder: workers have no access to this package's code.
        script = self._place / "service.py"
        script.write_text((ROOT / "scripts" / "service.py").read_text())
        env = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_NUM_INTRAOP_THREADS": "1"}
        process = programs.Program(script, *arguments, cwd=self._place, env=env)
        self._processes[name] = process
        process.first_line()

    def kill(self, name: str) -> None:
        self._processes.pop(name).close()

    def close(self) -> None:
        for name in list(self._processes):
            self.kill(name)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield made
    finally:
        made.close()


def load(data_dir: str, engine: str = "graph", recipe: str = RECIPE, **kwargs: Any) -> Any:
    options = {"engine": engine, **kwargs.pop("builder_kwargs", {})}
    kwargs = {"split": "train", "batch_size": 16, "shuffle_files": True, **kwargs}
    return tfds.load(f"cifar10_aug/{recipe}", data_dir=data_dir, builder_kwargs=options, **kwargs)


def by_id(ds: Any) -> dict[bytes, tuple[bytes, bytes]]:
    found: dict[bytes, tuple[bytes, bytes]] = {}
    for batch in ds.as_numpy_iterator():
        for name, image, label in zip(batch["id"], batch["image"], batch["label"], strict=True):
            assert name not in found, "an example came twice"
            found[name] = image.tobytes(), np.round(label, 5).tobytes()
    return found


def test_every_epoch_has_the_pixels_of_the_local_run(cluster: Cluster, data_dir: str) -> None:
    local = load(data_dir, engine="eager", recipe=MIXING)
    distributed = cifar10_aug.distribute(load(data_dir, recipe=MIXING), cluster.address)
    for _ in range(2):
        expected = by_id(local)
        assert len(expected) == 100
        assert by_id(distributed) == expected
    assert distributed.cardinality() == tf.data.UNKNOWN_CARDINALITY


def test_repeating_goes_through_the_epochs_in_order(cluster: Cluster, data_dir: str) -> None:
    local = load(data_dir, engine="eager")
    distributed = cifar10_aug.distribute(load(data_dir), cluster.address).repeat(2)
    expected = [by_id(local), by_id(local)]
    batches = list(distributed)
    for epoch in range(2):
        part = tf.data.Dataset.from_generator(
            lambda part=batches[7 * epoch : 7 * epoch + 7]: part,
            output_signature=distributed.element_spec,
        )
        assert by_id(part) == expected[epoch]


def test_xla_start_and_shards_hold_there_too(cluster: Cluster, data_dir: str) -> None:
    context = tf.distribute.InputContext(2, 1)
    options: dict[str, Any] = {
        "read_config": tfds.ReadConfig(input_context=context),
        "builder_kwargs": {"start_epoch": 3, "start_step": 1},
        "shuffle_files": False,
        "recipe": "rotate+erase",
    }
    expected = by_id(load(data_dir, **options, engine="eager"))
    options["builder_kwargs"]["jit_compile"] = True
    assert by_id(cifar10_aug.distribute(load(data_dir, **options), cluster.address)) == expected
    assert len(expected) == 50 - 16


def test_workers_find_files_of_a_relative_folder(
    cluster: Cluster, data_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(data_dir).parent)
    distributed = cifar10_aug.distribute(load(Path(data_dir).name), cluster.address)
    assert by_id(distributed) == by_id(load(data_dir, engine="eager"))


def test_each_of_several_trainers_gets_its_share(cluster: Cluster, data_dir: str) -> None:
    shares = []
    for i in range(2):
        config = tfds.ReadConfig(input_context=tf.distribute.InputContext(2, i))
        share = load(data_dir, read_config=config)
        shares.append(cifar10_aug.distribute(share, cluster.address))
    found = [by_id(share) for share in shares]
    assert [len(share) for share in found] == [50, 50]
    assert {**found[0], **found[1]} == by_id(load(data_dir, engine="eager"))


def test_a_worker_that_is_killed_loses_its_batches_only(cluster: Cluster, data_dir: str) -> None:
    distributed = cifar10_aug.distribute(
        load(data_dir, batch_size=2), cluster.address, max_outstanding_requests=2
    )
    seen: list[bytes] = []
    started = time.monotonic()
    for step, batch in enumerate(distributed):
        seen.extend(batch["id"].numpy())
        if step == 4:
            cluster.kill("one")
        if step == 8:
            cluster.start_worker("one")
    assert time.monotonic() - started < 120
    assert len(set(seen)) == len(seen)
    assert len(seen) >= 40
    # The next epoch is whole again, and the next.
    local = load(data_dir, engine="eager", batch_size=2)
    by_id(local)
    assert by_id(distributed) == by_id(local)


def test_a_dispatcher_that_is_killed_goes_on_where_it_was(cluster: Cluster, data_dir: str) -> None:
    distributed = cifar10_aug.distribute(
        load(data_dir, batch_size=2), cluster.address, max_outstanding_requests=2
    )
    seen: list[bytes] = []
    for step, batch in enumerate(distributed):
        seen.extend(batch["id"].numpy())
        if step == 4:
            cluster.kill("dispatcher")
            cluster.start_dispatcher()
    assert sorted(seen) == [f"train_{i:05d}".encode() for i in range(100)]


def test_other_datasets_are_refused(cluster: Cluster, data_dir: str) -> None:
    message = (
        "distribute takes a dataset as tfds.load returns it, with builder_kwargs={'engine': "
        "'graph'}; this is none: distribute first, and map, batch, take or repeat what comes back"
    )
    for ds in (load(data_dir, engine="eager"), load(data_dir).take(1)):
        with pytest.raises(ValueError, match=re.escape(message)):
            cifar10_aug.distribute(ds, cluster.address)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience of a second, instead of thirty."""
    monkeypatch.setattr(service_health, "_LIMIT_SECONDS", 1.0)


ADVICE = (
    "for 1 seconds; start what is missing (a worker on the host and port that it had), or, to do "
    "without a worker, the dispatcher with an empty folder and the other workers"
)


@pytest.mark.usefixtures("brief")
def test_a_service_that_is_not_there_is_an_error(
    data_dir: str, caplog: pytest.LogCaptureFixture
) -> None:
    service = f"grpc://localhost:{free_port()}"
    with pytest.raises(ConnectionError) as error:
        cifar10_aug.distribute(load(data_dir), service)
    assert str(error.value) == f"{service}: no dispatcher answers there, {ADVICE}"
    assert caplog.messages == [f"{service}: no dispatcher answers there; waiting"]


@pytest.mark.parametrize("service", ["localhost:5000", "http://localhost:5000", "grpc://"])
def test_what_is_no_address_is_named(service: str, data_dir: str) -> None:
    with pytest.raises(ValueError, match="give the dispatcher's address, such as grpc://host:5000"):
        cifar10_aug.distribute(load(data_dir), service)


def test_another_service_is_an_error_at_once(cluster: Cluster, data_dir: str) -> None:
    service = f"grpc://localhost:{cluster.ports['one']}"
    message = f"{service}: what answers there is no dispatcher (UNIMPLEMENTED); give the dis"
    with pytest.raises(ConnectionError, match=re.escape(message)):
        cifar10_aug.distribute(load(data_dir), service)


def test_workers_are_waited_for(
    data_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    small = Cluster(tmp_path, [])
    try:
        with monkeypatch.context() as patch:
            patch.setattr(service_health, "_LIMIT_SECONDS", 1.0)
            with pytest.raises(ConnectionError) as error:
                cifar10_aug.distribute(load(data_dir), small.address)
        assert str(error.value) == f"{small.address}: no worker has registered there, {ADVICE}"
        assert caplog.messages == [f"{small.address}: no worker has registered there; waiting"]
        # As soon as the line is there, one is started.
        starting = threading.Thread(target=small.start_worker, args=("one",))
        monkeypatch.setattr(service_health._log, "warning", lambda *_: starting.start())
        distributed = cifar10_aug.distribute(load(data_dir), small.address)
        starting.join()
        assert len(by_id(distributed)) == 100
    finally:
        small.close()


@pytest.mark.usefixtures("brief")
def test_an_epoch_does_not_begin_without_a_worker_that_is_gone(
    cluster: Cluster, data_dir: str, caplog: pytest.LogCaptureFixture
) -> None:
    local = load(data_dir, engine="eager")
    distributed = cifar10_aug.distribute(load(data_dir), cluster.address)
    assert by_id(distributed) == by_id(local)
    assert not caplog.messages
    cluster.kill("two")
    missing = f"{cluster.address}: no worker answers at localhost:{cluster.ports['two']}"
    with pytest.raises(tf.errors.UnknownError, match=re.escape(f"{missing}, {ADVICE}")):
        next(iter(distributed))
    assert caplog.messages == [f"{missing}; waiting"]
    cluster.start_worker("two")
    by_id(local)
    assert by_id(distributed) == by_id(local)


@pytest.mark.usefixtures("brief")
def test_an_epoch_does_not_wait_for_ever_for_a_worker_that_dies(
    cluster: Cluster, data_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_watch, "_QUIET_SECONDS", 1.0)
    distributed = cifar10_aug.distribute(
        load(data_dir, batch_size=2), cluster.address, max_outstanding_requests=2
    )
    missing = f"{cluster.address}: no worker answers at localhost:{cluster.ports['one']}"
    batches = iter(distributed)
    for _ in range(5):
        next(batches)
    cluster.kill("one")
    with pytest.raises(tf.errors.UnknownError, match=re.escape(f"{missing}, {ADVICE}")):
        list(batches)
    cluster.start_worker("one")
    assert len(by_id(distributed)) == 100


@pytest.mark.parametrize("port", [[], ["--port", "0"], ["--port", "any"]])
def test_workers_need_a_fixed_port(port: list[str]) -> None:
    script = ROOT / "scripts" / "service.py"
    done = programs.run(script, "worker", "--dispatcher", "localhost:1", *port)
    assert done.returncode == 2
    assert "--port" in done.stderr.splitlines()[-1]
