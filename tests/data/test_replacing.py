import os
import threading
from pathlib import Path

import pytest

from cifar10_aug.data import replacing
from tests import programs

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_kill_at_any_time_leaves_the_old_images_or_the_new_ones(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    arguments = [sources["binary archive"], sources["python archive"], tmp_path]
    program = "import sys; from tests import overwriting; overwriting.main(*sys.argv[1:])"
    done = programs.run("-c", program, *arguments, cwd=ROOT, check=True)
    kills = int(done.stdout.split()[0])
    assert kills > 20


@pytest.fixture
def final(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "cifar10_aug" / "plain" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "old").touch()
    return folder


def write(place: Path, name: str) -> None:
    new = place / "cifar10_aug" / "plain" / "1.0.0"
    new.mkdir(parents=True)
    (new / name).touch()


def entries(folder: Path) -> set[str]:
    return set(os.listdir(folder))


def test_a_folder_is_replaced_as_a_whole(final: Path) -> None:
    with replacing.replacing(final) as place:
        write(place, "new")
        assert entries(final) == {"old"}
    assert entries(final) == {"new"}
    assert entries(final.parent) == {"1.0.0"}


def test_what_fails_changes_nothing(final: Path) -> None:
    def fail(place: Path) -> None:
        write(place, "new")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), replacing.replacing(final) as place:
        fail(place)
    assert entries(final) == {"old"}
    assert entries(final.parent) == {"1.0.0"}


def test_the_old_folder_comes_back_if_the_new_one_cannot_be_renamed(
    final: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        replacing.replace(final, tmp_path / "missing", tmp_path)
    assert entries(final) == {"old"}
    assert entries(final.parent) == {"1.0.0"}


def test_what_a_killed_process_left_is_moved_away(final: Path, tmp_path: Path) -> None:
    old, lock = final.with_name("replaced.1.0.0"), final.with_name("replaced.1.0.0.lock")
    assert not replacing.left(final)
    for leave in (old.mkdir, lock.touch):
        leave()
        assert replacing.left(final)
        replacing.tidy(final, tmp_path)
        assert entries(final.parent) == {"1.0.0"}
    assert entries(final) == {"old"}


def test_an_old_folder_is_not_moved_away_before_there_is_a_new_one(
    final: Path, tmp_path: Path
) -> None:
    old = final.with_name("replaced.1.0.0")
    final.rename(old)
    replacing.tidy(final, tmp_path)
    assert entries(old) == {"old"}


def test_a_killed_process_is_recovered_from(final: Path) -> None:
    final.rename(final.with_name("replaced.1.0.0"))
    replacing.recover(final)
    assert entries(final) == {"old"}
    assert entries(final.parent) == {"1.0.0"}


def test_what_is_there_is_never_recovered_over(final: Path) -> None:
    old = final.with_name("replaced.1.0.0")
    old.mkdir()
    replacing.recover(final)
    assert entries(final) == {"old"}
    assert old.exists()
    with replacing.replacing(final) as place:
        write(place, "new")
    assert entries(final) == {"new"}
    assert entries(final.parent) == {"1.0.0"}


def test_many_at_once_leave_one_of_them(final: Path) -> None:
    started = threading.Barrier(4)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(20):
                with replacing.replacing(final) as place:
                    write(place, str(number))
                    started.wait(60)
                replacing.recover(final)
                assert len(entries(final)) == 1
        except BaseException as error:
            failed.append(error)
            started.abort()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert entries(final.parent) == {"1.0.0"}


def test_what_a_killed_process_left_unfinished_is_deleted(final: Path) -> None:
    program = """
import os, signal, sys, tempfile
from pathlib import Path
from cifar10_aug.data import replacing
with replacing.replacing(Path(sys.argv[1])) as place:
    (place / "half").write_bytes(bytes(100))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = programs.python("-c", program, final, check=False)
    assert done.returncode == -9
    assert len(entries(final.parent)) == 3
    replacing.sweep(final)
    assert entries(final.parent) == {"1.0.0"}
    assert entries(final) == {"old"}


def test_what_a_living_process_writes_stays(final: Path) -> None:
    with replacing.replacing(final) as place:
        write(place, "new")
        program = (
            "import sys; from pathlib import Path; from cifar10_aug.data import replacing; "
            "replacing.sweep(Path(sys.argv[1]))"
        )
        programs.python("-c", program, final)
        replacing.sweep(final)
        assert place.exists()
    assert entries(final) == {"new"}
    assert entries(final.parent) == {"1.0.0"}
