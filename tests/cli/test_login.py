"""`intaglio login`, `logout` and the file between them, as processes against a development server."""

from __future__ import annotations

import json
import pathlib
import stat
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests import live
from tests.capability import capability
from tests.cli.person import Browser, Terminal

dev = live.dev
tls = live.tls


@pytest.fixture
def terminal(tmp_path: pathlib.Path) -> Terminal:
    """A terminal of somebody who has never signed in."""
    return Terminal(tmp_path)


@pytest.fixture(params=["standard", "google"])
def issuer(request: pytest.FixtureRequest, dev: live.Dev) -> str:
    """The issuer of each dialect that the command line signs in at."""
    return dev.issuer if request.param == "standard" else dev.at("google")


@capability("cli-login-dialects", witness="a development server as a process")
@capability("cli-logout", witness="the issuer, which refuses the old refresh token")
@capability("cli-login-browser", witness="a development server as a process")
def test_signing_in_and_out(terminal: Terminal, issuer: str) -> None:
    """The page says that the window may be closed; what is kept is used, and after the end it is good for nothing."""
    begun = terminal.begin("login", "--issuer", issuer, "--no-browser")
    address = begun.address()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"].startswith("http://127.0.0.1:")
    assert query["nonce"]
    page = Browser().sign_in(address)
    assert "You may close this window." in page.text
    done = begun.end()
    assert done.code == 0
    assert done.out == ""
    assert f"Signed in as alice@example.com at {issuer}." in done.err
    got = terminal.run("token", "get")
    assert got.code == 0, got.err
    claims = live.claims(got.out)
    assert (claims["iss"], claims["aud"]) == (issuer, "intaglio-cli")
    kept = json.loads(terminal.file.read_text())["accounts"][0]
    assert terminal.run("logout").code == 0
    assert json.loads(terminal.file.read_text())["accounts"] == []
    form = {"grant_type": "refresh_token", "refresh_token": kept["refresh_token"], "client_id": "intaglio-cli"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(kept["token_endpoint"], urllib.parse.urlencode(form).encode(), timeout=10)
    with caught.value:
        assert json.load(caught.value)["error"] == "invalid_grant"
    assert terminal.run("token", "get").code == 5


@capability("cli-login-device", witness="a development server as a process")
def test_a_code_on_another_machine(terminal: Terminal, issuer: str) -> None:
    """It shows an address and a code, and has the tokens once somebody let it in."""
    begun = terminal.begin("login", "--issuer", issuer, "--device")
    where, code = begun.address(), ""
    while not code:
        line = begun.line("")
        code = line if len(line) == 9 and line[4] == "-" else ""
    browser = Browser()
    page = browser.submit(browser.open(where), "device-form", user_code=code)
    page = browser.submit(page, "login-form", username="alice", password="alice-password", decision="login")
    browser.submit(page, "device-decision", decision="allow")
    done = begun.end()
    assert done.code == 0, done.err
    assert live.claims(terminal.run("token", "get").out)["iss"] == issuer


def test_a_person_who_declines(terminal: Terminal, dev: live.Dev) -> None:
    """The refusal is told with its code, and nothing is kept."""
    begun = terminal.begin("login", "--issuer", dev.at("google"), "--no-browser")
    browser = Browser()
    page = browser.open(begun.address())
    page = browser.submit(page, "login-form", username="alice", password="alice-password", decision="login")
    browser.submit(page, "consent-form", decision="deny")
    done = begun.end()
    assert done.code == 5
    assert "authorization-error" in done.err
    assert "access_denied" in done.err
    assert not terminal.file.exists()


@capability("cli-login-list", witness="the commands' output")
def test_several_sign_ins(terminal: Terminal, dev: live.Dev) -> None:
    """The last one is in use; each is found by its issuer; signing in again is no second one."""
    for issuer in (dev.issuer, dev.at("google"), dev.issuer):
        assert terminal.login(issuer).code == 0
    listed = json.loads(terminal.run("login", "--list", "-o", "json").out)
    assert [(one["account"], one["issuer"]) for one in listed] == [
        ("alice@example.com", dev.issuer),
        ("alice@example.com", dev.at("google")),
    ]
    assert "refresh_token" not in listed[0]
    got = terminal.run("token", "get", "--issuer", dev.at("google"))
    assert live.claims(got.out)["iss"] == dev.at("google")
    ambiguous = terminal.run("token", "get", "alice@example.com")
    assert (ambiguous.code, "account-ambiguous" in ambiguous.err) == (5, True)
    unknown = terminal.run("token", "get", "carol@example.com")
    assert (unknown.code, "alice@example.com at" in unknown.err) == (5, True)
    # Without an issuer it is the last one again.
    begun = terminal.begin("login", "--no-browser")
    address = begun.address()
    assert address.startswith(dev.base + "/")
    Browser().sign_in(address)
    assert begun.end().code == 0
    assert terminal.run("logout", "--all").code == 0
    assert json.loads(terminal.file.read_text())["accounts"] == []


@capability("cli-login-file", witness="the file system")
def test_the_file_is_its_owners_alone(terminal: Terminal, dev: live.Dev) -> None:
    """0600 in a folder of 0700; a file that others may read is used no more, and neither is a link."""
    assert terminal.login(dev.at("google")).code == 0
    assert stat.S_IMODE(terminal.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(terminal.file.parent.stat().st_mode) == 0o700
    names = sorted(path.name for path in terminal.file.parent.iterdir())
    assert names == ["credentials.json", "credentials.lock"]
    for mode in (0o640, 0o604, 0o620, 0o660):
        terminal.file.chmod(mode)
        exposed = terminal.run("token", "get")
        assert (exposed.code, exposed.out) == (2, "")
        assert "credentials-exposed" in exposed.err
        assert "chmod 600" in exposed.err
    terminal.file.chmod(0o600)
    terminal.file.rename(terminal.file.with_name("elsewhere.json"))
    terminal.file.symlink_to("elsewhere.json")
    assert "credentials-unreadable" in terminal.run("token", "get").err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}', '{"accounts": [{"issuer": 1}]}'])
def test_another_file_is_refused(terminal: Terminal, content: str) -> None:
    """What this program did not write is not guessed at; the text is never quoted."""
    terminal.file.parent.mkdir(parents=True)
    terminal.file.write_text(content)
    terminal.file.chmod(0o600)
    done = terminal.run("token", "get")
    assert (done.code, done.out) == (2, "")
    assert "credentials-unreadable" in done.err


def test_where_to_sign_in_has_to_be_known(terminal: Terminal) -> None:
    """Without an issuer anywhere, the option and the variable are named."""
    done = terminal.run("login")
    assert done.code == 2
    assert "--issuer URL, or INTAGLIO_ISSUER" in done.err
    assert terminal.run("logout").code == 5


def test_an_issuer_that_does_not_answer(terminal: Terminal) -> None:
    """Unreachable is an exit code of its own, and a name that is none is told."""
    assert terminal.run("login", "--issuer", "http://127.0.0.1:9").code == 9
    assert terminal.run("login", "--issuer", "http://example.com").code == 9
    for nonsense in ("nonsense", "http://[::1", "https://a:99999999", "https://a b"):
        done = terminal.run("login", "--issuer", nonsense)
        assert done.code in (2, 9), (nonsense, done.err)


def test_an_issuer_that_cannot_be_told(terminal: Terminal, dev: live.Dev) -> None:
    """A sign-in whose issuer is away is forgotten all the same, and that it was not revoked is an error."""
    assert terminal.login(dev.at("google")).code == 0
    book = json.loads(terminal.file.read_text())
    book["accounts"][0]["revocation_endpoint"] = "http://127.0.0.1:9/revoke"
    terminal.file.write_text(json.dumps(book))
    done = terminal.run("logout")
    assert done.code == 9
    assert "not-revoked" in done.err
    assert json.loads(terminal.file.read_text())["accounts"] == []


def test_rotated_tokens_are_kept(terminal: Terminal, dev: live.Dev) -> None:
    """Where the issuer rotates, each use brings the next token, and the file has it."""
    assert terminal.login(dev.issuer).code == 0
    seen = set()
    for _ in range(3):
        seen.add(json.loads(terminal.file.read_text())["accounts"][0]["refresh_token"])
        assert terminal.run("token", "get").code == 0
    assert len(seen) == 3


def test_many_at_once_lose_nothing(terminal: Terminal, dev: live.Dev) -> None:
    """Programs that refresh at the same time all get tokens, and the sign-in stays good."""
    assert terminal.login(dev.issuer).code == 0
    running = [terminal.begin("token", "get") for _ in range(4)]
    assert [one.end().code for one in running] == [0, 0, 0, 0]
    assert terminal.run("token", "get").code == 0


def test_an_authority_of_ones_own(terminal: Terminal, tls: live.Dev) -> None:
    """Over TLS the authority has to be named once; it is remembered, and without it nothing is believed."""
    (authority,) = (tls.directory / "var").rglob("ca.pem")
    issuer = tls.at("google")
    assert terminal.run("login", "--issuer", issuer).code == 9
    done = terminal.login(issuer, "--ca-file", str(authority), browser=Browser(str(authority)))
    assert done.code == 0, done.err
    assert live.claims(terminal.run("token", "get").out)["iss"] == issuer
    assert terminal.run("token", "get", "--audience", "https://service.example.com").code == 0
    assert terminal.run("logout").code == 0
