"""Whether a tf.data service answers: TensorFlow itself would wait for ever, without a word."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable

import grpc
import tensorflow as tf

_log = logging.getLogger("cifar10_aug")
_GET_WORKERS = "/tensorflow.data.DispatcherService/GetWorkers"
_LIMIT_SECONDS = 30.0
_CALL_SECONDS = 2.0
_LOOK_SECONDS = 0.2
_NOT_YET = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def check(service: str) -> None:
    """Waits until the dispatcher and all of its workers answer, and says so if that takes time.

    A worker that is gone counts: its dispatcher never forgets it, so an epoch would never end.

    Args:
        service: the dispatcher, such as "grpc://host:5000".

    Raises:
        ValueError: if that is no such address.
        ConnectionError: if something does not answer within 30 seconds.
    """
    protocol, _, address = service.partition("://")
    if protocol != "grpc" or not address:
        raise ValueError(
            f"the service is {service!r}; give the dispatcher's address, such as grpc://host:5000"
        )
    end, said = time.monotonic() + _LIMIT_SECONDS, False
    with grpc.insecure_channel(address, [("grpc.max_reconnect_backoff_ms", 1000)]) as channel:
        ask = channel.unary_unary(_GET_WORKERS)
        while missing := _missing(service, ask):
            if time.monotonic() >= end:
                raise ConnectionError(
                    f"{service}: {missing}, for {_LIMIT_SECONDS:.0f} seconds; start what is "
                    "missing (a worker on the host and port that it had), or, to do without a "
                    "worker, the dispatcher with an empty folder and the other workers"
                )
            if not said:
                said = True
                _log.warning("%s: %s; waiting", service, missing)
            time.sleep(_LOOK_SECONDS)


def _missing(service: str, ask: Callable[..., bytes]) -> str:
    """What does not answer, as a clause; "" if all is well."""
    try:
        answer = ask(b"", timeout=_CALL_SECONDS)
    except grpc.RpcError as error:
        if error.code() in _NOT_YET:
            return "no dispatcher answers there"
        raise ConnectionError(
            f"{service}: what answers there is no dispatcher ({error.code().name}); give the "
            "dispatcher's address"
        ) from error
    # Messages whose only field is repeated and has the number 1, as in TensorFlow's
    # dispatcher.proto, which it has in no Python module.
    workers = [_values(worker)[0].decode() for worker in _values(answer)]
    if not workers:
        return "no worker has registered there"
    silent = [worker for worker in workers if not _answers(worker)]
    return f"no worker answers at {' and '.join(silent)}" if silent else ""


def _values(message: bytes) -> list[bytes]:
    return list(tf.train.BytesList.FromString(message).value)


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CALL_SECONDS):
            return True
    except OSError:
        return False
