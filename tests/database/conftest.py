import pytest


@pytest.fixture(scope="module", autouse=True)
def databases_are_migrated_once() -> None:
    """How a database comes to this release's form is what is tested here: each is brought there by itself."""
