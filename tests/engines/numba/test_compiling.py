"""Where compiled kernels are kept, and that nothing depends on it."""

import errno
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
import pytest
from numba.core import caching, config, event

import cifar10_aug
from cifar10_aug.engines.numba.kernels import compiling

VERSIONS = f"{cifar10_aug.__version__}-numba{numba.__version__}-{sys.implementation.cache_tag}"


def plus(x: int) -> int:
    return x + 1


plus.__module__ = compiling.__name__


@pytest.fixture(autouse=True)
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As for a user who has never called a kernel."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiling._warn_of_damage.cache_clear()
    compiling._warn_of_compiling_each_time.cache_clear()
    return tmp_path / "cache" / "cifar10_aug" / VERSIONS


def loaded() -> bool:
    """Whether a process that calls `plus` finds it compiled."""
    made = compiling.compiled(plus)
    assert made(1) == 2
    return bool(made.stats.cache_hits)


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.rglob(pattern)
    return found


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_kernels_are_kept_in_the_users_cache_by_version(user_cache: Path) -> None:
    assert not loaded()
    assert only(user_cache, "*.nbi").name.startswith("test_compiling.plus-")
    assert loaded()


def test_numbas_own_variable_wins(
    user_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "mine"))
    assert [loaded(), loaded()] == [False, True]
    assert only(tmp_path / "mine", "*.nbi")
    assert not user_cache.exists()


def test_numba_keeps_the_functions_of_others_where_it_did() -> None:
    made = numba.njit(cache=True)(plus)
    assert type(made._cache) is caching.FunctionCache
    assert config.CACHE_DIR == ""


def test_no_garbage_is_collected_while_kernels_are_compiled() -> None:
    collects = []

    class Noted(event.Listener):
        def on_start(self, event: Any) -> None:
            collects.append(gc.isenabled())

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Noted()):
        compiling.compiled(plus)(1)
        # Others' functions are left alone.
        numba.njit(lambda x: x + 2)(1)
    assert collects == [False, True]
    assert gc.isenabled()


def test_checkouts_of_one_version_do_not_share_kernels() -> None:
    places = {
        compiling._Locator(plus, f"/{checkout}/kernels/tones.py").get_cache_path()
        for checkout in ("one", "two")
    }
    assert len(places) == 2


def test_a_change_in_any_file_of_kernels_compiles_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    monkeypatch.setattr(compiling, "_stamp", compiling._stamp.__wrapped__)
    (tmp_path / "pixels.py").write_text("1")
    assert [loaded(), loaded()] == [False, True]
    (tmp_path / "pixels.py").write_text("2")
    assert [loaded(), loaded()] == [False, True]


def flip(path: Path) -> None:
    """Changes a bit of what follows the names."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("pattern", "damage", "reason"),
    [
        ("*.nbi", cut, "pickle data was truncated"),
        ("*.nbi", empty, "Ran out of input"),
        ("*.nbc", cut, "pickle data was truncated"),
        ("*.nbc", empty, "Ran out of input"),
        ("*.nbc", flip, "its digest is not the recorded one"),
    ],
)
def test_a_damaged_kernel_is_compiled_and_kept_again(
    pattern: str,
    damage: Callable[[Path], None],
    reason: str,
    user_cache: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    loaded()
    damage(only(user_cache, pattern))
    assert not loaded()
    folder = only(user_cache, "*.nbi").parent
    warning = (
        f"cifar10_aug: compiled kernels in {folder} are damaged ({reason}); compiling them again"
    )
    assert warning in messages(caplog)
    assert loaded()


def test_an_entry_that_is_missing_is_compiled_without_a_word(
    user_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loaded()
    only(user_cache, "*.nbc").unlink()
    caplog.clear()
    assert [loaded(), loaded()] == [False, True]
    assert not [message for message in messages(caplog) if "damaged" in message]


def each_time(where: str, reason: str) -> str:
    return (
        f"cifar10_aug: compiled kernels cannot be kept {where} ({reason}), so that each process "
        "compiles them again, which takes some seconds; set the environment variable "
        "NUMBA_CACHE_DIR to a folder with room that can be written to"
    )


def test_a_full_disk_is_a_warning_that_names_the_cache(
    user_cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_save_data", full)
    assert [loaded(), loaded()] == [False, False]
    warning = each_time(f"in {user_cache}", "No space left on device")
    assert messages(caplog).count(warning) == 1


def test_a_cache_that_cannot_be_written_to_is_a_warning_that_names_it(
    user_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user_cache.parent.parent.touch()
    assert [loaded(), loaded()] == [False, False]
    assert messages(caplog).count(each_time(f"in {user_cache}", "Not a directory")) == 1


def unknown(*args: object, **kwargs: object) -> str:
    raise RuntimeError("could not determine the home directory")


@pytest.mark.parametrize("home", [unknown, lambda *args, **kwargs: "~/.cache/cifar10_aug"])
def test_without_a_home_each_process_compiles_and_says_so(
    home: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(platformdirs, "user_cache_dir", home)
    monkeypatch.chdir(tmp_path)
    with event.install_listener("numba:compile", compiling._Notice()):
        assert [loaded(), loaded()] == [False, False]
    assert each_time("in the user's cache folder", "no home folder is known") in messages(caplog)
    assert list(tmp_path.iterdir()) == []
