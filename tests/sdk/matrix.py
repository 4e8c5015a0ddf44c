"""The features that every foreign relying party is held to, and the table of who has passed which."""

from __future__ import annotations

FEATURES = (
    "code",
    "hybrid",
    "implicit",
    "form_post",
    "private_key_jwt",
    "device",
    "encrypted_id_token",
    "encrypted_userinfo",
    "front_channel_logout",
    "back_channel_logout",
)
LIBRARIES = ("openid-client", "oauth4webapi", "Authlib", "idpyoidc")
PASSED: dict[tuple[str, str], str] = {}


def note(library: str, feature: str) -> None:
    """Note that a library has passed a feature."""
    PASSED[library, feature] = "yes"


def table() -> str:
    """Return the table of features by libraries."""
    width = max(map(len, FEATURES)) + 2
    lines = ["".join(word.ljust(width if not number else 16) for number, word in enumerate(("feature", *LIBRARIES)))]
    for feature in FEATURES:
        cells = [PASSED.get((library, feature), "-").ljust(16) for library in LIBRARIES]
        lines.append((feature.ljust(width) + "".join(cells)).rstrip())
    return "\n".join(lines)
