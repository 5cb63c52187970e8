"""Starts a tf.data service: all of it on this machine, or one part on each host.

    python scripts/service.py try
    python scripts/service.py dispatcher --port 5000 --work-dir DIR
    python scripts/service.py worker --dispatcher HOST:5000 --port 5001

`try` starts a dispatcher and workers, each in a separate process, has them augment the sample,
and says how often each picture came. The other two run until they are interrupted; they need
TensorFlow alone, so this file can be copied to hosts that have nothing else.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

service = tf.data.experimental.service
# How soon a worker that is gone is noticed.
HEARTBEAT_MS = 1000
TIMEOUT_MS = 10_000


def dispatcher(port: int, work_dir: str | None) -> None:
    """With a folder, a dispatcher that is started again goes on where it was."""
    config = service.DispatcherConfig(
        port=port,
        work_dir=work_dir,
        fault_tolerant_mode=work_dir is not None,
        worker_timeout_ms=TIMEOUT_MS,
    )
    server = service.DispatchServer(config)
    print(f"dispatcher at {server.target}", flush=True)
    server.join()


def worker(address: str, port: int, host: str) -> None:
    server = service.WorkerServer(
        service.WorkerConfig(
            dispatcher_address=address,
            worker_address=f"{host}:{port}",
            port=port,
            heartbeat_interval_ms=HEARTBEAT_MS,
            dispatcher_timeout_ms=60_000,
        )
    )
    print(f"worker of {address} on {host}", flush=True)
    server.join()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return int(one.getsockname()[1])


def started(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """This script in a separate process, and the first line that it prints."""
    command = [sys.executable, __file__, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        sys.exit(f"{' '.join(arguments)} ended with code {process.wait()}")
    return process, line


def attempt(recipe: str, workers: int) -> None:
    import tensorflow_datasets as tfds

    import cifar10_aug

    processes = []
    with tempfile.TemporaryDirectory() as place:
        try:
            process, line = started("dispatcher", "--work-dir", f"{place}/dispatcher")
            processes.append(process)
            address = line.rsplit(" ", 1)[1]
            for _ in range(workers):
                port = str(free_port())
                process, _ = started(
                    "worker", "--dispatcher", address.split("://")[1], "--port", port
                )
                processes.append(process)
            train = tfds.load(
                f"cifar10_aug_sample/{recipe}",
                split="train",
                batch_size=128,
                shuffle_files=True,
                data_dir=f"{place}/data",
                builder_kwargs={"engine": "graph"},
            )
            distributed = cifar10_aug.distribute(train, address)
            for epoch in range(2):
                seen = [name for batch in distributed for name in batch["id"].numpy()]
                print(
                    f"epoch {epoch} by {workers} workers of {address}: {len(seen)} examples, "
                    f"{len(set(seen))} different",
                    flush=True,
                )
        finally:
            for process in processes:
                process.kill()
                process.wait()


def port_number(text: str) -> int:
    """A port that is the same when a worker is started again."""
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no fixed port; give one from 1 to 65535")
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    trial = parts.add_parser("try", help="all of it on this machine, with the sample")
    trial.add_argument("--recipe", default="rotate30+erase")
    trial.add_argument("--workers", type=int, default=2)
    one = parts.add_parser("dispatcher", help="the one that trainers and workers talk to")
    one.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    one.add_argument("--work-dir", help="folder that survives the dispatcher")
    many = parts.add_parser("worker", help="one of those that augment")
    many.add_argument("--dispatcher", required=True, help="HOST:PORT")
    many.add_argument(
        "--port",
        type=port_number,
        required=True,
        help="fixed, since a worker that has died is waited for at its port",
    )
    many.add_argument("--host", default="localhost", help="this host, as trainers reach it")
    args = parser.parse_args()
    if args.part == "try":
        attempt(args.recipe, args.workers)
    elif args.part == "dispatcher":
        dispatcher(args.port, args.work_dir)
    else:
        worker(args.dispatcher, args.port, args.host)


if __name__ == "__main__":
    main()
