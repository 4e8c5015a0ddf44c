"""Every setting in one table, with its type, its default and its help; the reference page is made from it."""

from __future__ import annotations

from typing import Literal

import msgspec

PREFIX = "INTAGLIO_"
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("json", "text")
FORWARDED_FORMS = ("x-forwarded", "forwarded")
Kind = Literal["text", "secret", "path", "flag", "number", "list"]
Origin = Literal["default", "file", "environment", "flag"]


class Key(msgspec.Struct, frozen=True):
    """One setting: where it stands, what it is, and what it means. A default of None leaves it unset.

    A number lies between `least` and `most`, a text is one of the `choices`, where they are given.
    """

    section: str
    name: str
    kind: Kind
    default: str | int | bool | tuple[str, ...] | None
    help: str
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()

    @property
    def dotted(self) -> str:
        """The key as it is written in messages: `section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"{PREFIX}{self.section}__{self.name}".upper()


INSIDE = "A second address, for programs inside a network: metadata fetched there name it for all that is no browser's."

KEYS: tuple[Key, ...] = (
    Key("database", "url", "text", None, "Where data is kept: `sqlite:///path/to/file.db` or `postgresql://…`."),
    Key("keys", "master_key", "secret", None, "32 octets as base64, under which private keys are sealed."),
    Key("keys", "pkcs11_module", "path", None, "PKCS#11 library of a token that holds the master key in its place."),
    Key("keys", "pkcs11_token", "text", None, "Label of the token."),
    Key("keys", "pkcs11_label", "text", None, "Label of the AES key in the token that is the master key."),
    Key("keys", "pkcs11_pin", "secret", None, "PIN of the token's user."),
    Key("standard", "listen", "text", None, "`host:port` where the standard dialect answers."),
    Key("standard", "base_url", "text", None, "Public address; issuers are `{base_url}/{slug}`."),
    Key("standard", "backchannel_base_url", "text", None, INSIDE),
    Key("google", "listen", "text", None, "`host:port` where the google dialect answers."),
    Key(
        "google",
        "universe_domain",
        "text",
        None,
        "The universe: the issuer is `https://accounts.{domain}`, and the APIs answer at names under the domain.",
    ),
    Key("google", "base_url", "text", None, "Public address, which is the issuer; needless with a universe_domain."),
    Key("google", "tenant", "text", "default", "Slug of the tenant behind it."),
    Key(
        "google",
        "allow_google_issuer",
        "flag",
        default=False,
        help="Allow Google's own issuer as ours: for tests in a network of their own, and for nothing else.",
    ),
    Key("google", "backchannel_base_url", "text", None, INSIDE),
    Key("microsoft", "listen", "text", None, "`host:port` where the microsoft dialect answers."),
    Key("microsoft", "base_url", "text", None, "Public address; issuers are `{base_url}/{tenant's UUID}/v2.0`."),
    Key("microsoft", "backchannel_base_url", "text", None, INSIDE),
    Key("auth0", "listen", "text", None, "`host:port` where the auth0 dialect answers."),
    Key("auth0", "base_url", "text", None, "Public address; the issuer is `{base_url}/`."),
    Key("auth0", "tenant", "text", "default", "Slug of the tenant there; other tenants answer at hosts of their own."),
    Key("auth0", "backchannel_base_url", "text", None, INSIDE),
    Key("cloudentity", "listen", "text", None, "`host:port` where the cloudentity dialect answers."),
    Key("cloudentity", "base_url", "text", None, "Public address; issuers are `{base_url}/{owner}/{slug}`."),
    Key("cloudentity", "backchannel_base_url", "text", None, INSIDE),
    Key("tls", "certificate_file", "path", None, "PEM certificate chain for every listener."),
    Key("tls", "key_file", "path", None, "PEM private key of the certificate."),
    Key(
        "server",
        "trusted_proxies",
        "list",
        (),
        "Addresses or networks of proxies, whose headers tell whom a request comes from; `unix` for a Unix socket.",
    ),
    Key(
        "server",
        "forwarded_header",
        "text",
        "x-forwarded",
        "Which headers these proxies write: x-forwarded (X-Forwarded-For, X-Forwarded-Proto) or forwarded (RFC 7239).",
        choices=FORWARDED_FORMS,
    ),
    Key("server", "log_level", "text", "info", "One of debug, info, warning, error.", choices=LOG_LEVELS),
    Key("server", "workers", "number", 1, "Processes that answer; one for each core is plenty.", 1, 64),
    Key(
        "server",
        "drain_seconds",
        "number",
        5,
        "How long a server that was told to stop goes on answering, so that what stands in front of it notices.",
        0,
        600,
    ),
    Key(
        "server",
        "allow_http",
        "flag",
        default=False,
        help="Allow an http base_url whose host is not loopback, where the listener is (a name in a hosts file).",
    ),
    Key(
        "admin",
        "listen",
        "text",
        None,
        "`host:port` where the administration API answers; without it at standard.listen, under `/_intaglio/admin/v1`.",
    ),
    Key("admin", "base_url", "text", None, "Address at which administrators find that."),
    Key(
        "server",
        "allow_http_backchannel",
        "flag",
        default=False,
        help="Allow http in a backchannel_base_url whose host is not loopback: secrets and tokens cross that network.",
    ),
    Key("operations", "listen", "text", None, "`host:port` where health and metrics answer; for you alone."),
    Key("log", "requests", "flag", default=True, help="Write one line for each request to stderr."),
    Key("log", "format", "text", "json", "How other messages are written: json or text.", choices=LOG_FORMATS),
    Key(
        "outgoing",
        "allow",
        "list",
        (),
        "Hosts (`host`, `host:port`), addresses and networks that may be called although they are not public; a host"
        " without a port is open at every port, and http is for this machine only.",
    ),
    Key("outgoing", "ca_file", "path", None, "PEM certificates of authorities that are believed besides the system's."),
    Key("outgoing", "time_limit_seconds", "number", 10, "How long one outgoing call may take, from 1 to 60.", 1, 60),
    Key(
        "outgoing",
        "size_limit_octets",
        "number",
        262144,
        "How long the body of an answer may be, at most 4194304.",
        1,
        4194304,
    ),
    Key("audit", "keep_days", "number", 365, "Days for which the audit log is kept, 0 for ever.", 0, 36500),
    Key("limits", "tokens_by_tenant", "text", "off", "Requests for tokens of a tenant: `6000/1m`, or `off`."),
    Key("limits", "tokens_by_client", "text", "off", "Requests for tokens of one client, once it has proved itself."),
    Key("limits", "tokens_by_address", "text", "off", "Requests for tokens from one address (of IPv6, from a /64)."),
    Key("limits", "sign_ins_by_tenant", "text", "off", "Sign-ins that are tried at a tenant, good or bad."),
    Key("limits", "sign_ins_by_client", "text", "off", "Sign-ins that are tried for one client."),
    Key(
        "limits",
        "sign_ins_by_address",
        "text",
        "off",
        "Sign-ins that are tried from one address; bad ones are slowed down besides, whatever stands here.",
    ),
    Key("limits", "registrations_by_tenant", "text", "1000/1h", "Clients that register themselves at a tenant."),
    Key("limits", "registrations_by_address", "text", "60/1h", "Clients that register themselves from one address."),
    Key("limits", "waiting_by_tenant", "text", "off", "Authorization requests that have to wait for their person."),
    Key("limits", "waiting_by_address", "text", "3000/1m", "The same, from one address."),
)
BY_NAME: dict[str, Key] = {key.dotted: key for key in KEYS}
SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(key.section for key in KEYS))
DIALECTS: tuple[str, ...] = ("standard", "google", "microsoft", "auth0", "cloudentity")
