"""The variables by which each language's clients find a metadata server, and why each is needed.

Checked with the official clients: google-auth (Python), google-auth-library (Node, Java), cloud.google.com/go/auth,
googleauth (Ruby), gcloud.
"""

from __future__ import annotations

import msgspec


class Variable(msgspec.Struct, frozen=True):
    """A variable, its value, and why it is needed."""

    name: str
    value: str
    why: str


HOST = "GCE_METADATA_HOST"
LANGUAGES = ("python", "node", "go", "java", "ruby", "gcloud")


def variables(host: str, project: str = "") -> dict[str, tuple[Variable, ...]]:
    """Return the variables by language, for a server at `host` (a name or address and a port)."""
    asked = Variable(HOST, host, "where the metadata server is asked")
    pinged = Variable(
        "GCE_METADATA_IP", host, "where it is looked for first; without it 3 s are lost on 169.254.169.254"
    )
    known = (
        Variable("GOOGLE_CLOUD_PROJECT", project, "the project, which Node else asks gcloud for (seconds)")
        if project
        else Variable("METADATA_SERVER_DETECTION", "assume-present", "saves the search for a metadata server")
    )
    return {
        "python": (asked, pinged),
        "node": (asked, known),
        "go": (asked,),
        "java": (asked,),
        "ruby": (
            asked,
            Variable(
                "K_SERVICE", "local", "off Google, Ruby asks only where these three say that it runs in a service"
            ),
            Variable("K_REVISION", "local", "see K_SERVICE"),
            Variable("K_CONFIGURATION", "local", "see K_SERVICE"),
        ),
        "gcloud": (
            Variable("GCE_METADATA_ROOT", host, "where gcloud itself asks"),
            asked,
            Variable("GCE_METADATA_IP", host, "where the library inside it looks"),
        ),
    }
