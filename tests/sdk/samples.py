"""Google's page's own samples, taken out of its text, in which the ends of lines were lost.

What is done to a sample: white space is put before the fragments that are listed here (an end of line, and Python's
indentation); where the page tells its reader to fill something in, that is filled in; Go gets its package clause. That
nothing else changes is a test: without white space, both texts are the same.
"""

from __future__ import annotations

import os
import pathlib
import re

import msgspec
import pytest

TITLE = "Get an ID token from the metadata server"


class Sample(msgspec.Struct, frozen=True):
    """Where a sample begins on the page and ends, and the beginnings of its lines (with blanks before them)."""

    begins: str
    ends: str
    lines: tuple[str, ...]


SAMPLES = {
    "curl": Sample('curl -H "Metadata-Flavor: Google"', "PowerShell", ("'http://metadata",)),
    "PowerShell": Sample("$value = (Invoke-RestMethod", "Java\n", ("-Headers", "-Uri", "$value")),
    "Java": Sample(
        "import com.google.auth.oauth2.GoogleCredentials;",
        "Go\n",
        (
            "// TODO",
            "// The url",
            "String url",
            "getIdTokenFromMetadataServer(url);",
            "// Use the Google",
            "// HTTP request",
            "public static void getId",
            "// Construct",
            "// working",
            "GoogleCredentials googleCredentials",
            "// Setting the",
            ".setOptions",
            "// Get the",
            "// Once",
            "// target audience.",
            "String idToken",
        ),
    ),
    "Go": Sample(
        'import ("context"',
        "Node.js\n",
        (
            '"fmt"',
            '"io"',
            '"golang.org/x/oauth2/google"',
            '"google.golang.org/api/idtoken"',
            '"google.golang.org/api/option"',
            "// getId",
            "func getId",
            "// url :=",
            "ctx :=",
            "// Construct",
            "credentials, err",
            "if err",
            "ts, err",
            "if err",
            "// Get the",
            "_, err =",
            "if err",
            "fmt.Fprintf",
            "return nil",
        ),
    ),
    "Node": Sample(
        "/** * TODO(developer):",
        "Python\n",
        (
            "// const targetAudience",
            "const {GoogleAuth}",
            "async function",
            "const client",
            "// Get the",
            "await client.id",
            "getIdTokenFromMetadataServer();",
        ),
    ),
    "Python": Sample(
        "import googleimport",
        "Ruby\n",
        (
            "import google.oauth2",
            "from google.auth",
            "import google.auth.transport",
            "def idtoken",
            '    """',
            "    request = ",
            "    # Set the",
            "    # Setting",
            "    credentials = ",
            "    # Get the",
            "    credentials.refresh(",
            "    # print",
            '    print("Gen',
        ),
    ),
    "Ruby": Sample(
        'require "googleauth"',
        "Use a connecting service",
        (
            "### Uses",
            "def auth",
            "# Create",
            "id_client =",
            "# Get the",
            "id_client.fetch",
            "puts",
            "id_client.ref",
            "end",
        ),
    ),
    "generateIdToken": Sample(
        "ID_TOKEN=$(curl",
        "PowerShell",
        ('-H "Content', '-H "Author', "-d @-", '{ "audience"', "EOF)", ")echo", "echo"),
    ),
}


def page() -> str:
    """Return the text of Google's page, or skip where it is not at hand."""
    folder = os.environ.get("INTAGLIO_SEEDS")
    if folder is None:
        pytest.skip("INTAGLIO_SEEDS names no folder, so Google's page with the samples is not at hand")
    (path,) = pathlib.Path(folder).glob("000_*.txt")
    return path.read_text(encoding="utf-8")


def raw(name: str) -> str:
    """Return a sample as the page's text has it, without the ends of its lines."""
    sample, text = SAMPLES[name], page()
    begins = text.index(sample.begins, text.index(f"{TITLE}\n\nWhen"))
    return text[begins : text.index(sample.ends, begins)].strip()


def restored(name: str) -> str:
    """Return a sample with ends of lines; raises `ValueError` if a line's beginning is not found."""
    text, done, at = raw(name), "", 0
    for line in SAMPLES[name].lines:
        begin = line.strip()
        found = text.index(begin, at + 1)
        done += text[at:found].rstrip() + "\n" + line[: len(line) - len(line.lstrip())]
        at = found
    return done + text[at:] + "\n"


def squeezed(text: str) -> str:
    """Return a text without its white space."""
    return re.sub(r"\s+", "", text)
