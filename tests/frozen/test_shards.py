import itertools

from hypothesis import given
from hypothesis import strategies as st

from tests.frozen.freezing import frozen


@given(st.integers(1, 60_000), st.integers(0, 60_000), st.integers(1, 12))
def test_shards_cover_every_copy_in_order(train: int, test: int, copies: int) -> None:
    shards = frozen(copies=copies).shards({"train": train, "test": test})
    for split, count, times in (("train", train, copies), ("test", test, 1)):
        own = [shard for shard in shards if shard.split == split]
        covered = [(shard.copy, shard.first, shard.stop) for shard in own]
        expected = []
        for copy in range(times):
            edges = [first for c, first, _ in covered if c == copy] + [count]
            expected += [(copy, *pair) for pair in itertools.pairwise(edges)]
            assert edges[0] == 0
        assert covered == expected
        assert [shard.place for shard in own] == list(range(len(own)))
        assert {shard.of for shard in own} <= {len(own)}


def test_cifar10_has_five_shards_a_copy() -> None:
    shards = frozen(copies=2).shards({"train": 50_000, "test": 10_000})
    assert [len(shard) for shard in shards] == [10_000] * 11
    assert shards[0].name == "cifar10_aug-train.tfrecord-00000-of-00010"
    assert shards[-1].name == "cifar10_aug-test.tfrecord-00000-of-00001"


def test_few_examples_have_a_shard_each() -> None:
    shards = frozen(copies=1).shards({"train": 5, "test": 2})
    assert [len(shard) for shard in shards] == [1] * 7
