import os

import pytest

from cifar10_aug.engines.python import worker_process


def test_workers_are_gone_when_their_parent_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[int] = []
    monkeypatch.setattr(os, "_exit", ends.append)
    worker_process._end_with(os.getppid() + 1)
    assert ends == [1]


def test_this_is_no_worker() -> None:
    assert not worker_process.serving()
