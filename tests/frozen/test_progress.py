import logging
import sys
import time

import pytest

from cifar10_aug.frozen.progress import Progress


def test_a_log_gets_a_line_now_and_then(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with caplog.at_level(logging.INFO, "cifar10_aug"), Progress("flip-x5", 50_000, 10_000) as shown:
        for _ in range(8):
            now += 4.0
            shown.add(5_000)
    assert caplog.messages == [
        "flip-x5: 10,000 of 50,000 images are there already",
        "flip-x5: 25,000 of 50,000 images, 1,250 images/s, 20 s left",
        "flip-x5: 40,000 of 50,000 images, 1,250 images/s, 8 s left",
        "flip-x5: 50,000 of 50,000 images, 1,250 images/s",
    ]


def test_a_terminal_gets_a_bar_with_images_a_second_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TQDM_MININTERVAL", "0")
    with caplog.at_level(logging.INFO, "cifar10_aug"), Progress("flip-x5", 1000, 0) as shown:
        for _ in range(10):
            shown.add(100)
    bar = capsys.readouterr().err
    assert "flip-x5: 100%" in bar
    assert "1000/1000" in bar
    assert " images/s]" in bar
    assert caplog.messages == []
