from pydantic import SecretStr

from mlc.gateway.intake import Bodies, RateLimit, signature_verifies


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


def test_a_body_is_remembered_for_its_time() -> None:
    clock = Clock()
    bodies = Bodies(lifetime=100, clock=clock)
    bodies.add(b"a")
    assert bodies.seen(b"a")
    assert not bodies.seen(b"b")
    clock.now += 99
    assert bodies.seen(b"a")
    clock.now += 2
    assert not bodies.seen(b"a")
    bodies.add(b"b")
    assert len(bodies) == 1


def test_a_full_memory_of_bodies_forgets_the_oldest() -> None:
    clock = Clock()
    bodies = Bodies(lifetime=100, limit=3, clock=clock)
    for number in range(10):
        clock.now += 1
        bodies.add(bytes([number]))
    bodies.add(bytes([7]))  # again: the newest now
    bodies.add(b"another")
    assert len(bodies) == 3
    assert [number for number in range(10) if bodies.seen(bytes([number]))] == [7, 9]
