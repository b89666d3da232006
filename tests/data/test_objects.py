"""Objects as they are read: lost connections are taken up again, and what can't be had is said in our words."""

import logging
from typing import Any

import pytest
from s3_server import KEY, SECRET, S3Server, cutting

from mlc.data import objects
from mlc.data.objects import Patience, content
from mlc.data.store_parts import S3Parts
from mlc.data.stores import Store
from mlc.model.failure import ExternalError, NotFound, Refused, Unavailable

SOON = Patience((0.0, 0.0), lambda _: None)
BODY = bytes(range(256)) * 4096


def read(store: Store, path: str, patience: Patience = SOON) -> bytes:
    return b"".join(content(store, path, patience, largest=lambda _: None))


@pytest.fixture
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "RANGE", 100_000)


def test_an_object_is_read_in_ranges(s3_server: S3Server, bucket: str, small_ranges: None) -> None:
    store = s3_server.store()
    for name, body in {"x": BODY, "ä b/?#*%": BODY[:5], "empty": b""}.items():
        store.files.pipe_file(f"{bucket}/{name}", body)
        assert read(store, f"{bucket}/{name}") == body


def test_a_connection_that_is_lost_in_the_middle_is_taken_up_again(
    s3_server: S3Server, bucket: str, small_ranges: None
) -> None:
    s3_server.store().files.pipe_file(f"{bucket}/x", BODY)
    with cutting(s3_server.endpoint, 150_000, 150_000) as way:
        assert read(s3_server.store(endpoint=way.endpoint), f"{bucket}/x") == BODY
        assert way.connections > 2
    with cutting(s3_server.endpoint, *[50_000] * 20) as way, pytest.raises(Unavailable, match="connection was lost"):
        read(s3_server.store(endpoint=way.endpoint), f"{bucket}/x")


def test_a_key_that_comes_late_is_waited_for(s3_server: S3Server, bucket: str) -> None:
    store = s3_server.store()
    waited: list[float] = []

    def wait(pause: float) -> None:
        waited.append(pause)
        if len(waited) == 2:
            s3_server.store().files.pipe_file(f"{bucket}/late", b"here I am")

    assert read(store, f"{bucket}/late", Patience((1.0, 5.0), wait)) == b"here I am"
    assert waited == [1.0, 5.0]
    with pytest.raises(NotFound, match="are the bucket and the name right"):
        read(store, f"{bucket}/never")


def test_a_job_that_is_stopped_waits_no_longer(s3_server: S3Server, bucket: str) -> None:
    with pytest.raises(NotFound):
        read(s3_server.store(), f"{bucket}/never", Patience((600.0,), lambda _: True))


def test_an_object_that_is_replaced_while_it_is_read_is_refused(
    s3_server: S3Server, bucket: str, small_ranges: None
) -> None:
    store = s3_server.store()
    store.files.pipe_file(f"{bucket}/x", BODY)
    pieces = content(store, f"{bucket}/x", SOON, largest=lambda _: None)
    next(pieces)
    s3_server.store().files.pipe_file(f"{bucket}/x", BODY[::-1])
    with pytest.raises(Refused, match="replaced while it was read"):
        list(pieces)


def test_an_object_that_is_too_large_is_not_read_at_all(s3_server: S3Server, bucket: str) -> None:
    store = s3_server.store()
    store.files.pipe_file(f"{bucket}/x", BODY)

    def largest(size: int) -> None:
        raise OverflowError(size)

    store.read = None  # type: ignore[assignment, method-assign]
    with pytest.raises(OverflowError, match=str(len(BODY))):
        next(content(store, f"{bucket}/x", SOON, largest=largest))


def test_a_bucket_that_is_missing_is_said(s3_server: S3Server) -> None:
    with pytest.raises(NotFound) as caught:
        read(s3_server.store(), "no-such-bucket-here/x")
    assert str(caught.value).partition(" has ")[2] in {
        "not what is asked for, 'no-such-bucket-here/x': there is no such bucket.",
        "not what is asked for, 'no-such-bucket-here/x': are the bucket and the name right, capitals too?",
    }  # a question about one object names no bucket in its answer


def test_an_object_that_is_missing_is_named(s3_server: S3Server, bucket: str) -> None:
    with pytest.raises(NotFound) as caught:
        read(s3_server.store(), f"{bucket}/in/none.csv")
    assert str(caught.value).endswith(
        f" has not what is asked for, '{bucket}/in/none.csv': are the bucket and the name right, capitals too?"
    )


def test_where_a_part_belongs_is_named_if_its_bucket_is_gone(s3_server: S3Server) -> None:
    with pytest.raises(NotFound, match=r"asked for, 'no-such-bucket-here/a/x\.csv': there is no such bucket"):
        S3Parts(s3_server.store(), "no-such-bucket-here/a/x.csv", "s3+lake://no-such-bucket-here/a/x.csv").begin()


class Answering:
    """A store that answers every request alike."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def info(self, path: str) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("code", "status", "kind", "said"),
    [
        ("AccessDenied", 403, Refused, "refuses us (403)"),
        ("InvalidAccessKeyId", 403, Refused, "doesn't know the connection's key"),
        ("SignatureDoesNotMatch", 403, Refused, "is not that of its key"),
        ("ExpiredToken", 400, Refused, "has expired"),
        ("SlowDown", 503, Unavailable, "busy"),
        ("InternalError", 500, Unavailable, "busy"),
        ("NoSuchBucket", 404, NotFound, "no such bucket"),
        ("Whatever", 418, Refused, "answered 418"),
    ],
)
def test_what_a_store_answers_is_said_without_its_words(
    s3_server: S3Server, code: str, status: int, kind: type[ExternalError], said: str
) -> None:
    from botocore.exceptions import ClientError
    from s3fs.errors import translate_boto_error

    text = f"{KEY} {SECRET} https://host/?X-Amz-Signature=abc"
    answer: Any = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    store = s3_server.store()
    for error in (ClientError(answer, "HeadObject"), translate_boto_error(ClientError(answer, "HeadObject"))):
        store.files = Answering(error)
        with pytest.raises(kind) as caught:
            store.info("bucket/x")
        assert said in str(caught.value)
        assert not any(secret in str(caught.value) for secret in (KEY, SECRET, "Signature"))
        assert caught.value.__suppress_context__


def test_azure_s_and_google_s_answers_are_read_too(s3_server: S3Server) -> None:
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError
    from gcsfs.retry import HttpError

    refused, gone = HttpResponseError("s3cr3t"), ResourceNotFoundError("s3cr3t")
    refused.status_code, gone.status_code = 403, 404
    store = s3_server.store()
    for error, kind in [
        (refused, Refused),
        (gone, NotFound),
        (ServiceRequestError("s3cr3t"), Unavailable),
        (HttpError({"code": 404, "message": "s3cr3t"}), NotFound),
        (HttpError({"code": 503, "message": "s3cr3t"}), Unavailable),
        (HttpError({"code": 403, "message": "s3cr3t"}), Refused),
    ]:
        store.files = Answering(error)
        with pytest.raises(kind) as caught:
            store.info("bucket/x")
        assert "s3cr3t" not in str(caught.value)


def test_no_log_holds_a_key_or_a_signature(s3_server: S3Server, bucket: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store = s3_server.store()
    store.files.pipe_file(f"{bucket}/x", BODY)
    read(store, f"{bucket}/x")
    said = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("werkzeug"))
    assert not any(secret in said for secret in (KEY, SECRET, "Signature"))
