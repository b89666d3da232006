"""A name that is listed leads to the public internet, or to what is listed besides; it is looked up once."""

import hashlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from servers import serving

from mlc.model.asset import Asset, AssetKind
from mlc.runtime import connecting, external
from mlc.runtime import transfer as over_http
from mlc.runtime.external import ExternalFiles
from mlc.runtime.harness.functions import ModelFailure
from mlc.settings import FileSettings


class Names:
    """Stands before the system's look-up of names: who is asked for, and what each name leads to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, list[list[str]]] = {}
        self._real = socket.getaddrinfo

    def look_up(self, host: Any, port: Any, *args: Any, **more: Any) -> Any:
        self.asked.append(str(host))
        if host not in self.answers:
            return self._real(host, port, *args, **more)
        addresses = self.answers[host].pop(0) if len(self.answers[host]) > 1 else self.answers[host][0]
        kinds = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses}
        return [(kind, socket.SOCK_STREAM, 6, "", (address, port)) for address, kind in kinds.items()]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    found = Names()
    monkeypatch.setattr(socket, "getaddrinfo", found.look_up)
    monkeypatch.setattr(external, "PAUSES", (0.01, 0.01))
    return found


class Heard:
    """A host of files, and which requests it got."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.app = FastAPI()
        self.app.api_route("/{path:path}", methods=["GET", "PUT"])(self._answer)

    async def _answer(self, path: str, request: Request) -> Response:
        await request.body()
        self.hosts.append(request.headers["host"])
        return Response(b"a\n7\n", 200)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def port(heard: Heard) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener, serving(heard.app, listener):
        yield listener.getsockname()[1]


def transfer(tmp_path: Path, url: str, hosts: list[str], *, store: bool = False) -> None:
    files = ExternalFiles(FileSettings(hosts=hosts, timeout=5))
    written = b"a\n"
    told = {"size": len(written), "sha256": hashlib.sha256(written).hexdigest()} if store else {}
    asset = Asset(name="in.csv", role="", kind=AssetKind.EXTERNAL, address=url, **told)
    (tmp_path / "out.csv").write_bytes(written)
    if store:
        with (tmp_path / "out.csv").open("rb") as source:
            files.store(source, asset, "output in.csv")
    else:
        with (tmp_path / "in.csv").open("wb") as target:
            files.fetch(asset, target, "input in.csv")


@pytest.mark.parametrize("store", [False, True], ids=["fetched", "stored"])
@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("169.254.169.254", "link-local"),
        ("100.64.0.1", "not public"),
        ("0.0.0.0", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "private"),
        ("198.18.0.1", "private"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("fe80::1", "link-local"),
        ("fe80::1%lo", "link-local"),
        ("fd00:ec2::254", "private"),
        ("fec0::1", ""),
        ("ff02::1", "multicast"),
        ("::ffff:127.0.0.1", ""),
        ("::ffff:10.1.2.3", ""),
        ("::127.0.0.1", ""),
        ("64:ff9b::a01:203", ""),
        ("64:ff9b:1::a01:203", ""),
        ("2002:7f00:1::", ""),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", ""),
        ("2001:db8::1", "private"),
    ],
)
def test_an_address_that_is_neither_public_nor_listed_is_not_connected_to(
    tmp_path: Path, names: Names, monkeypatch: pytest.MonkeyPatch, address: str, kind: str, store: bool
) -> None:
    monkeypatch.setattr(connecting.httpcore.SyncBackend, "connect_tcp", _never)
    names.answers["files.example.org"] = [[address]]
    with pytest.raises(ModelFailure) as failed:
        transfer(tmp_path, "https://files.example.org/in.csv", ["files.example.org"], store=store)
    told = str(failed.value)
    assert "can't be transferred: its host 'files.example.org' has the address " in told
    assert f"which is {kind}" in told
    assert told.endswith("or its network to MLC_FILE_HOSTS.")
    assert names.asked == ["files.example.org"], "it is not worth another try"


def _never(*_: Any, **__: Any) -> Any:
    raise AssertionError("connected")


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822", "8.8.8.8"]
)
def test_a_public_address_is_what_is_connected_to(
    tmp_path: Path, names: Names, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    connected: list[str] = []

    def connect(_self: Any, host: str, *_: Any, **__: Any) -> Any:
        connected.append(host)
        raise connecting.httpcore.ConnectError("nobody is there")

    monkeypatch.setattr(connecting.httpcore.SyncBackend, "connect_tcp", connect)
    names.answers["files.example.org"] = [[address]]
    with pytest.raises(ModelFailure, match="nobody is there"):
        transfer(tmp_path, "https://files.example.org/in.csv", ["files.example.org"])
    assert set(connected) == {address}


@pytest.mark.parametrize(
    "listed",
    ["127.0.0.1", "127.0.0.0/8", "127.0.0.1:{port}", "0.0.0.0/0"],
)
def test_a_name_leads_to_an_address_that_is_listed_besides(
    tmp_path: Path, names: Names, heard: Heard, port: int, listed: str
) -> None:
    names.answers["minio.corp.example"] = [["127.0.0.1"]]
    hosts = ["minio.corp.example", listed.format(port=port)]
    for store in (False, True):
        transfer(tmp_path, f"http://minio.corp.example:{port}/in.csv", hosts, store=store)
    assert heard.hosts == [f"minio.corp.example:{port}"] * 2, "the host is asked for by its name"
    assert names.asked.count("minio.corp.example") == 2, "once for each transfer"


@pytest.mark.parametrize("listed", ["127.0.0.2", "10.0.0.0/8", "127.0.0.1:1", "localhost", "other.example"])
def test_what_is_listed_of_others_is_not_listed_for_a_name(
    tmp_path: Path, names: Names, heard: Heard, port: int, listed: str
) -> None:
    names.answers["minio.corp.example"] = [["127.0.0.1"]]
    with pytest.raises(ModelFailure, match=r"has the address 127\.0\.0\.1, which is loopback and is not listed"):
        transfer(tmp_path, f"http://minio.corp.example:{port}/in.csv", ["minio.corp.example", listed])
    assert heard.hosts == []


def test_a_name_that_leads_elsewhere_the_second_time_is_not_asked_a_second_time(
    tmp_path: Path, names: Names, heard: Heard, port: int
) -> None:
    names.answers["rebind.example"] = [["127.0.0.2"], ["127.0.0.1"]]  # nobody listens at the first
    with pytest.raises(ModelFailure, match=r"127\.0\.0\.1, which is loopback and is not listed"):
        transfer(tmp_path, f"http://rebind.example:{port}/in.csv", ["rebind.example", "127.0.0.2"])
    assert heard.hosts == []


def test_one_private_address_among_several_refuses_the_name(
    tmp_path: Path, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting.httpcore.SyncBackend, "connect_tcp", _never)
    names.answers["both.example"] = [["93.184.216.34", "10.0.0.1"]]
    with pytest.raises(ModelFailure, match=r"10\.0\.0\.1, which is private"):
        transfer(tmp_path, "http://both.example/in.csv", ["both.example"])


def test_of_several_addresses_that_are_listed_one_that_answers_is_enough(
    tmp_path: Path, names: Names, heard: Heard, port: int
) -> None:
    names.answers["both.example"] = [["127.0.0.3", "127.0.0.1"]]
    transfer(tmp_path, f"http://both.example:{port}/in.csv", ["both.example", "127.0.0.0/8"])
    assert heard.hosts == [f"both.example:{port}"]


def test_localhost_lists_this_machine(tmp_path: Path, heard: Heard, port: int) -> None:
    transfer(tmp_path, f"http://localhost:{port}/in.csv", ["localhost"])
    transfer(tmp_path, f"http://LOCALHOST:{port}/in.csv", [f"localhost:{port}"])
    assert len(heard.hosts) == 2


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.", "[::ffff:127.0.0.1]"]
)
def test_another_spelling_of_an_address_leads_no_further(tmp_path: Path, heard: Heard, port: int, host: str) -> None:
    url = f"http://{host}:{port}/in.csv"
    with pytest.raises(ModelFailure, match="is not allowed"):
        transfer(tmp_path, url, ["files.example.org"])
    with pytest.raises(ModelFailure):
        transfer(tmp_path, url, [host.strip("[]") if ":" not in host else "files.example.org"])
    assert heard.hosts == []


def test_a_name_that_is_not_known_is_tried_again_and_said(tmp_path: Path, names: Names) -> None:
    with pytest.raises(ModelFailure, match="can't be transferred: ConnectError"):
        transfer(tmp_path, "http://no-such-host.invalid/in.csv", ["no-such-host.invalid"])
    assert names.asked == ["no-such-host.invalid"] * 3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command, which makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=files.example.org",
         "-addext", "subjectAltName=DNS:files.example.org", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, capture_output=True, check=True,
    )  # fmt: skip
    return folder


@pytest.mark.parametrize(("name", "right"), [("files.example.org", True), ("other.example.org", False)])
def test_a_certificate_is_verified_for_the_name_and_the_name_is_what_is_asked_for(
    tmp_path: Path, names: Names, certificate: Path, monkeypatch: pytest.MonkeyPatch, name: str, right: bool
) -> None:
    trusted = ssl.create_default_context(cafile=certificate / "cert.pem")
    monkeypatch.setattr(over_http, "certificates", lambda: trusted)
    its = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    its.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    asked: list[str | None] = []
    its.sni_callback = lambda _socket, host, _context: asked.append(host)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with its.wrap_socket(connection, server_side=True) as stream:
                    stream.recv(65_536)
                    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\na\n7\n")
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    names.answers[name] = [["127.0.0.1"]]
    url = f"https://{name}:{listener.getsockname()[1]}/in.csv"
    try:
        if right:
            transfer(tmp_path, url, [name, "127.0.0.1"])
            assert (tmp_path / "in.csv").read_bytes() == b"a\n7\n"
        else:
            with pytest.raises(ModelFailure, match="CERTIFICATE_VERIFY_FAILED"):
                transfer(tmp_path, url, [name, "127.0.0.1"])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
    assert set(asked) == {name}
