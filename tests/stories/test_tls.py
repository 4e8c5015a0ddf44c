"""`--tls`: the printed environment lines are pasted into a shell, and each program has to trust the server by them."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Callable

import pytest

from tests import live
from tests.capability import capability
from tests.live import sync_api

PYTHON = "import json, sys, urllib.request as u; print(json.load(u.urlopen(sys.argv[1]))['issuer'])"
REQUESTS = "import requests, sys; print(requests.get(sys.argv[1]).json()['issuer'])"
NODE = "fetch(process.argv[1]).then((r) => r.json()).then((found) => console.log(found.issuer))"
RUBY = "require 'net/http'; require 'json'; puts JSON.parse(Net::HTTP.get(URI(ARGV[0])))['issuer']"
GO = """package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var found map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&found); err != nil {
		panic(err)
	}
	fmt.Println(found["issuer"])
}
"""
JAVA = """import java.net.URI;
import java.net.http.*;

public class Trust {
    public static void main(String[] words) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(words[0])).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        var found = java.util.regex.Pattern.compile("\\"issuer\\":\\"([^\\"]*)\\"").matcher(answer.body());
        if (!found.find()) throw new IllegalStateException(answer.body());
        System.out.println(found.group(1));
    }
}
"""


def _line(tls: live.Dev, program: str) -> str:
    """Return the line that was printed for a program."""
    found = re.search(rf"^  {program}:\n    (.+)$", tls.log, re.MULTILINE)
    assert found is not None, tls.log
    return found[1]


def _paste(line: str, words: list[str], directory: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a shell into which the line was pasted."""
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "JAVA_TOOL_OPTIONS")
    env = {name: value for name, value in live.environment().items() if name not in names}
    return subprocess.run(
        ["bash", "-c", f'{line or ":"}\n"$@"', "bash", *words],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=directory,
        env=env | {"GOFLAGS": "", "GO111MODULE": "off"},
        check=False,
    )


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/local/go/bin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def _words(program: str, directory: pathlib.Path) -> list[str]:
    if program == "Go":
        # Compiled first and once: what is tried is the program, not the compiler.
        (directory / "trust.go").write_text(GO, encoding="utf-8")
        done = subprocess.run(
            [_program("go"), "build", "-o", "trust", "trust.go"],
            cwd=directory,
            env=live.environment(GO111MODULE="off"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [str(directory / "trust")]
    if program == "Java":
        _program("keytool")
        (directory / "Trust.java").write_text(JAVA, encoding="utf-8")
        return [_program("java"), "Trust.java"]
    return {
        "curl": lambda: [_program("curl"), "-fsS"],
        "Python": lambda: [sys.executable, "-c", PYTHON],
        "requests": lambda: [sys.executable, "-c", REQUESTS],
        "Node": lambda: [live.need_node(clients=False), "-e", NODE],
        "Ruby": lambda: [_program("ruby"), "-e", RUBY],
    }[program]()


@pytest.mark.parametrize(
    ("program", "label"),
    [
        pytest.param("curl", "curl", marks=capability("dev-tls-curl", witness="curl")),
        pytest.param("Python", "Python", marks=capability("dev-tls-python", witness="Python (urllib)")),
        pytest.param("requests", "Python", marks=capability("dev-tls-python", witness="Python (requests)")),
        pytest.param("Node", "Node", marks=capability("dev-tls-node", witness="Node")),
        pytest.param("Go", "Go", marks=[capability("dev-tls-go", witness="Go"), pytest.mark.slow]),
        pytest.param("Java", "Java", marks=[capability("dev-tls-java", witness="Java"), pytest.mark.slow]),
        pytest.param("Ruby", "Ruby", marks=capability("dev-tls-ruby", witness="Ruby")),
    ],
)
def test_the_printed_line_makes_a_program_trust(
    tls: live.Dev, tmp_path: pathlib.Path, program: str, label: str
) -> None:
    """With the line the program reads the discovery document over https; without it, it refuses the certificate."""
    line, words = _line(tls, label), _words(program, tmp_path)
    url = tls.issuer + "/.well-known/openid-configuration"
    without = _paste("", [*words, url], tmp_path)
    assert without.returncode != 0, without.stdout
    assert tls.issuer not in without.stdout
    done = _paste(line, [*words, url], tmp_path)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert (json.loads(last)["issuer"] if program == "curl" else last) == tls.issuer


@capability("dev-tls-java", witness="Java (keytool)")
def test_the_java_line_can_be_pasted_again(tls: live.Dev, tmp_path: pathlib.Path) -> None:
    """A second terminal gets the same line, and it works there too."""
    _program("keytool")
    line = _line(tls, "Java")
    for _ in range(2):
        done = _paste(line, ["bash", "-c", "echo $JAVA_TOOL_OPTIONS"], tmp_path)
        assert "trustStore=" in done.stdout, done.stdout + done.stderr


@capability("dev-tls", witness="curl")
@capability("seed-issuer", witness="curl")
def test_all_five_ports_speak_https(tls: live.Dev) -> None:
    """Every port answers over https under the names localhost, 127.0.0.1 and ::1, and says nothing over http."""
    curl, authority = _program("curl"), str(tls.directory / "var" / "tls" / "ca.pem")
    for offset, name in enumerate(live.NAMES):
        for host in ("localhost", "127.0.0.1", "[::1]"):
            url = f"https://{host}:{tls.port + offset}/"
            words = [curl, "-fsS", "-o", os.devnull, "-H", "accept: text/html", "--cacert", authority, url]
            done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
            assert done.returncode == 0, (name, host, done.stderr)
        plain = subprocess.run([curl, "-sS", tls.at(name).replace("https", "http")], capture_output=True, check=False)
        assert plain.returncode != 0
    assert tls.issuer == f"https://localhost:{tls.port}/default"


@pytest.mark.browser
@capability("dev-tls", witness="Chromium")
@capability("demo-sign-in", witness="Chromium over https")
def test_the_demo_works_over_https(tls: live.Dev, visit: Callable[..., live.Visitor]) -> None:
    """Sign-in, checks and sign-out over https; the cookies are pinned to the host and secure."""
    visitor = visit(ignore_https_errors=True)
    page = visitor.tab()
    page.goto(tls.base + "/demo")
    page.click("#demo-signin")
    live.log_in(page)
    live.allow(page, done="#demo-token")
    assert page.locator("#demo-checks > li.fail").count() == 0
    cookies = visitor.context.cookies()
    assert cookies
    for cookie in cookies:
        assert cookie["secure"]
        assert cookie["name"].startswith("__Host-")
    assert {urllib.parse.urlsplit(url).scheme for url in visitor.requests} == {"https"}
    page.click("#demo-refresh")
    sync_api.expect(page.locator("main")).to_contain_text("Refreshed 1 time.")
    page.click("#demo-logout")
    page.wait_for_selector("#demo-signin")


@capability("dev-tls", witness="the file system")
def test_the_authority_is_made_once(tmp_path: pathlib.Path) -> None:
    """A second start keeps the authority, so that trust lasts; its key is readable by the owner alone."""
    kept = []
    for _ in range(2):
        running = live.start(tmp_path, "--memory", "--tls")
        running.stop()
        folder = tmp_path / "var" / "tls"
        kept.append((folder / "ca.pem").read_bytes())
        assert (folder / "ca.key").stat().st_mode & 0o077 == 0
        assert (folder / "server.key").stat().st_mode & 0o077 == 0
    assert kept[0] == kept[1]
