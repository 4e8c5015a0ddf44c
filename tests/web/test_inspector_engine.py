"""The inspector's engine says in a browser what the library says, report by report and word by word."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import urllib.parse
from collections.abc import Callable, Iterator

import pytest

from intaglio.validate import steps
from tests import live
from tests.capability import capability
from tests.live import sync_api
from tests.web.parity import cases as asked
from tests.web.parity import documents, edges, library, mutations, vectors
from tests.web.parity.library import Case

ROOT = pathlib.Path(__file__).parent.parent.parent
ENGINE = ROOT / "src" / "intaglio" / "server" / "web" / "static" / "inspect"
ORIGIN = "http://sample.localhost"
POLICY = "default-src 'none'; script-src 'self'; connect-src 'none'; base-uri 'none'; form-action 'none'"
BATCH = 400
SEED = 20_260_000
PAGE = "001_2e86740f2a240362.txt"
AES_192 = "Chromium has no AES with keys of 192 bits"
UNABLE = {
    "ML-DSA-44": "WebCrypto has no ML-DSA",
    "ML-DSA-65": "WebCrypto has no ML-DSA",
    "ML-DSA-87": "WebCrypto has no ML-DSA",
    "A192KW": AES_192,
    "A192GCMKW": AES_192,
    "A192GCM": AES_192,
    "A192CBC-HS384": AES_192,
    "ECDH-ES+A192KW": AES_192,
}
"""What the engine cannot do in Chromium, and why; it then neither believes nor refuses."""

pytestmark = [pytest.mark.browser, capability("inspector-parity", witness="Chromium")]


def _answer(route: sync_api.Route) -> None:
    name = urllib.parse.urlsplit(route.request.url).path.removeprefix("/")
    folder = ENGINE if name.startswith("inspect/") else pathlib.Path(__file__).parent
    file = folder / name.removeprefix("inspect/")
    if not name:
        route.fulfill(body="", content_type="text/html", headers={"Content-Security-Policy": POLICY})
    elif re.fullmatch(r"(inspect/)?[a-z]+\.m?js", name) and file.is_file():
        route.fulfill(body=file.read_bytes(), content_type="text/javascript")
    else:
        route.fulfill(status=404, body="")


@pytest.fixture(scope="module")
def page() -> Iterator[sync_api.Page]:
    """A page under the inspector's policy that can load the engine."""
    path = live.need_browser()
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        opened = browser.new_page()
        opened.route("**/*", _answer)
        opened.goto(f"{ORIGIN}/")
        yield opened
        browser.close()


def _said(page: sync_api.Page, cases: list[Case]) -> list[Case]:
    run = "async (text) => JSON.stringify(await (await import('/parity.mjs')).run('/inspect', JSON.parse(text)))"
    told: list[Case] = []
    for begin in range(0, len(cases), BATCH):
        told += json.loads(page.evaluate(run, json.dumps(cases[begin : begin + BATCH])))
    return told


def _unable(told: Case) -> str | None:
    """Return what the browser says it cannot do; None if it can."""
    if "unable" in told:
        return str(told["unable"])
    for check in told.get("report", {}).get("checks", ()):
        for why in ("uncheckable here", "unopenable here"):
            before, after = (re.escape(piece) for piece in steps.SENTENCES[why].split("{alg}"))
            found = re.fullmatch(f"{before}(.+){after}", check["hint"])
            if found:
                return found[1]
    return None


def _plain(told: Case) -> Case:
    if "detail" not in told:
        return told
    detail = {name: told["detail"].get(name) for name in ("rule", "received", "expected", "name")}
    return {"code": told["code"], "hint": told["hint"], **detail}


def _without_signature(report: Case) -> Case:
    return {**report, "believed": None, "checks": [each for each in report["checks"] if each["name"] != "signature"]}


def compare(page: sync_api.Page, cases: list[Case]) -> tuple[list[Case], set[str]]:
    """Return the library's answers, and what the browser was unable to do; everything else must be equal."""
    wanted = [json.loads(json.dumps(library.answer(each))) for each in cases]
    unable: set[str] = set()
    wrong = []
    for given, want, told in zip(cases, wanted, _said(page, cases), strict=True):
        missing = _unable(told)
        if missing is None:
            if want != _plain(told):
                wrong.append((given, want, told))
            continue
        named = UNABLE.keys() & set(missing.split(", "))
        assert named, f"the browser cannot do {missing}, which is no listed exception"
        unable |= named
        if "report" in told:
            assert not told["report"]["believed"]
            if "uncheckable" in json.dumps(told) or told["report"]["kind"] != "jwe":
                assert _without_signature(told["report"]) == _without_signature(want["report"])
    assert not wrong, f"{len(wrong)} of {len(cases)} differ, the first: {_shortened(wrong[0])}"
    return wanted, unable


def _shortened(difference: tuple[Case, Case, Case]) -> str:
    given, want, told = difference
    pairs = zip(want.get("report", {}).get("checks", []), told.get("report", {}).get("checks", []), strict=False)
    checks = [pair for pair in pairs if pair[0] != pair[1]]
    return f"{str(given)[:600]}\nlibrary {str(checks or want)[:900]}\nengine {str(told)[:900] if not checks else ''}"


def _believed(answers: list[Case]) -> int:
    return sum(each.get("report", {}).get("believed", False) for each in answers)


def test_mutated_tokens_are_reported_alike(page: sync_api.Page) -> None:
    """Report on tokens of each dialect, good and changed in every way, exactly as the library does."""
    answers, _ = compare(page, list(mutations.mutations(900, SEED)))
    codes = {check["code"] for each in answers for check in each["report"]["checks"]}
    # A comparison of nothing but refusals, or of one refusal, would show little.
    assert _believed(answers) > 60
    assert len(codes) > 50


def test_edges_of_single_rules_are_decided_alike(page: sync_api.Page) -> None:
    """Decide alike to the second, to the octet and to the last of the keys that are tried."""
    answers, unable = compare(page, list(edges.edges()))
    assert _believed(answers) > 60
    assert sum("plaintext" in each for each in answers) > 10
    assert not unable


def test_odd_texts_and_every_algorithm_are_reported_alike(page: sync_api.Page) -> None:
    """Report alike on what is no token, on each algorithm and on encrypted tokens; ML-DSA is left unchecked."""
    answers, unable = compare(page, list(asked.odd()))
    assert _believed(answers) > 20
    assert unable == {name for name in UNABLE if name.startswith("ML-DSA")}


def test_every_aes_of_192_bits_is_an_exception(page: sync_api.Page) -> None:
    """Open whatever the library encrypts, but for what the browser has not; that is said, and not believed."""
    answers, unable = compare(page, list(asked.every_encryption()))
    assert unable == {name for name in UNABLE if not name.startswith("ML-DSA")}
    assert sum("plaintext" in each for each in answers) > 50


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(lambda: asked.peeked(SEED), id="looking inside"),
        pytest.param(lambda: asked.texts(SEED), id="JSON"),
        pytest.param(documents.documents, id="keys"),
        pytest.param(asked.others, id="dialects"),
        pytest.param(asked.unusable, id="expectations"),
    ],
)
def test_everything_else_is_said_alike(page: sync_api.Page, cases: Callable[[], Iterator[Case]]) -> None:
    """Look inside texts, read JSON and keys, guess dialects and explain claims as the library does."""
    answers, unable = compare(page, list(cases()))
    assert len(answers) > 30
    assert not unable


def _folder() -> pathlib.Path:
    if vectors.FOLDER is None:
        pytest.skip("INTAGLIO_VECTORS names no folder of vectors")
    return pathlib.Path(vectors.FOLDER)


def test_vectors_are_decided_alike(page: sync_api.Page) -> None:
    """Decide each vector of Wycheproof and each example of RFC 7520 as the library does."""
    _folder()
    answers, unable = compare(page, list(vectors.vectors()))
    assert sum("payload" in each for each in answers) > 100
    assert sum("plaintext" in each for each in answers) > 50
    assert unable <= UNABLE.keys()


def test_vendor_samples_are_reported_alike(page: sync_api.Page) -> None:
    """Report alike on the samples of Microsoft's page under every dialect, and look inside them alike."""
    file = _folder().parent / "seeds" / PAGE
    if not file.is_file():
        pytest.skip("Microsoft's page with the samples does not lie beside the vectors")
    samples = re.findall(r"^eyJ\S+$", file.read_text(encoding="utf-8"), re.MULTILINE)[:2]
    answers, _ = compare(page, list(vectors.sampled(samples)))
    kinds = {each.get("kind") or each["report"]["kind"] for each in answers}
    assert "id-token" in kinds


def test_standards_examples_are_decided_alike(page: sync_api.Page) -> None:
    """Decide the examples that the standards print as the library does."""
    answers, _ = compare(page, list(vectors.printed()))
    assert sum("payload" in each and "kind" not in each for each in answers) == 7
    assert sum("plaintext" in each for each in answers) == 2
    assert _believed(answers) >= 4


def test_generated_file_is_in_step() -> None:
    """Find in the engine's data what the library says today."""
    specification = importlib.util.spec_from_file_location("inspector", ROOT / "scripts" / "inspector.py")
    assert specification is not None
    assert specification.loader is not None
    generator = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(generator)
    assert generator.write(generator.content()) == (ENGINE / "data.js").read_text(encoding="utf-8")


def test_engine_has_no_words_of_its_own() -> None:
    """Find no sentence in the engine's modules outside of comments: all wording comes with the data."""
    modules = sorted(file for file in ENGINE.glob("*.js") if file.name in MODULES)
    assert {file.name for file in modules} == MODULES
    for file in modules:
        source = re.sub(r"/\*.*?\*/|^\s*//.*$", "", file.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        texts = re.findall(r'"([^"\n]*)"', source)
        assert not [
            text for text in texts if re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{2,}", text) and text not in PLAIN
        ], file


PLAIN = {"not a secure context"}
MODULES = {
    f"{name}.js"
    for name in (
        *(
            "claims",
            "codec",
            "decryption",
            "dialects",
            "engine",
            "expectation",
            "judges",
            "jwe",
            "jws",
            "keccak",
            "keys",
        ),
        *("numbers", "peek", "refusals", "text", "words"),
    )
}
