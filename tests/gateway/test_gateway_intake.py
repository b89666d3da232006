from pydantic import SecretStr

from mlc.gateway.intake import Deliveries, RateLimit, signature_verifies


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_jiras_published_example_of_a_signature_verifies() -> None:
    header = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    assert signature_verifies(header, b"Hello World!", [SecretStr("It's a Secret to Everybody")])
    assert not signature_verifies(header, b"Hello World?", [SecretStr("It's a Secret to Everybody")])
    assert not signature_verifies(header, b"Hello World!", [])


def test_a_source_regains_its_tokens_with_time() -> None:
    clock = Clock()
    limit = RateLimit(2, 3, clock=clock)
    assert [limit.admits("a") for _ in range(5)] == [True, True, True, False, False]
    assert limit.admits("b")
    clock.now += 1
    assert [limit.admits("a") for _ in range(3)] == [True, True, False]


def test_many_sources_do_not_grow_the_memory() -> None:
    limit = RateLimit(1, 1, sources=10)
    for number in range(1000):
        limit.admits(str(number))
    assert len(limit._buckets) == 10


def test_deliveries_are_remembered_for_a_day_and_not_without_bound() -> None:
    clock = Clock()
    deliveries = Deliveries(limit=3, clock=clock)
    deliveries.add("a", b"body")
    assert deliveries.seen("a", b"body")
    assert not deliveries.seen("a", b"other body")
    clock.now += 24 * 3600 - 1
    assert deliveries.seen("a", b"body")
    clock.now += 2
    assert not deliveries.seen("a", b"body")
    for number in range(10):
        deliveries.add(str(number), b"")
    assert len(deliveries._seen) == 3
    assert deliveries.seen("9", b"")
    assert not deliveries.seen("0", b"")
