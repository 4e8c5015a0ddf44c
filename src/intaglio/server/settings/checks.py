"""What values mean together, and what is refused although each is of the right type."""

from __future__ import annotations

import pathlib
from typing import Any

from intaglio.ids import Secret
from intaglio.server.settings import doors, keys, limits, masterkey, networks, secretfiles
from intaglio.server.settings import faults as faults_
from intaglio.server.settings.faults import Fault
from intaglio.server.settings.keys import Origin
from intaglio.server.settings.records import TLS, Audit, Database, Google, Log, Outgoing, Server, Settings, Token
from intaglio.wire import places


def compile_settings(values: dict[str, Any], origins: dict[str, Origin], faults: list[Fault]) -> Settings:
    """Return settings from converted values; what does not fit together is appended to the faults."""
    server = _server(values, faults)
    found = (doors.listener(dialect, values, origins, server, faults) for dialect in keys.DIALECTS)
    listeners = tuple(door for door in found if door is not None)
    administration = doors.listener("admin", values, origins, server, faults)
    every = (*listeners, administration) if administration is not None else listeners
    doors.refuse_twice(every, faults)
    _check_database(values.get("database.url"), faults)
    return Settings(
        database=Database(values.get("database.url") or ""),
        master_key=values.get("keys.master_key"),
        master_token=_token(values, faults),
        listeners=listeners,
        administration=administration,
        google=Google(values.get("google.universe_domain") or "", values.get("google.allow_google_issuer") or False),
        tls=_tls(values, faults),
        server=server,
        operations=doors.operations(values, every, faults),
        log=Log(values.get("log.requests") is not False, values.get("log.format") or "json"),
        outgoing=_outgoing(values, faults),
        audit=Audit(_number(values, "audit.keep_days", 365)),
        limits=limits.read(values, faults),
        origins=origins,
    )


def _number(values: dict[str, Any], name: str, otherwise: int) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else otherwise


def _server(values: dict[str, Any], faults: list[Fault]) -> Server:
    level = values.get("server.log_level") or "info"
    proxies = values.get("server.trusted_proxies") or ()
    for proxy in proxies:
        wrong = networks.fault(proxy)
        if wrong is not None:
            faults.append(Fault("server.trusted_proxies", networks.EXPECTED, *wrong))
    workers, drain = values.get("server.workers"), values.get("server.drain_seconds")
    inside = values.get("server.allow_http_backchannel") or False
    form: Any = values.get("server.forwarded_header") or "x-forwarded"
    return Server(proxies, level, workers or 1, values.get("server.allow_http") or False, drain or 0, form, inside)


def _token(values: dict[str, Any], faults: list[Fault]) -> Token | None:
    names = ("keys.pkcs11_module", "keys.pkcs11_token", "keys.pkcs11_label", "keys.pkcs11_pin")
    module, token, label, pin = (values.get(name) for name in names)
    lacking = [name for name, value in zip(names, (module, token, label, pin), strict=True) if value is None]
    if len(lacking) == len(names):
        return None
    faults += [Fault(name, "a value, for the other keys.pkcs11_* are set", "nothing") for name in lacking]
    if values.get("keys.master_key") is not None:
        faults.append(Fault("keys.master_key", "either a master key or a token that holds it", "both", "unset one"))
    if module is not None and not module.is_file():
        faults.append(Fault("keys.pkcs11_module", "the PKCS#11 library of the token", f"{module}: not there"))
    if module is None or token is None or label is None or pin is None:
        return None
    return Token(module, token, label, pin)


def _outgoing(values: dict[str, Any], faults: list[Fault]) -> Outgoing:
    allow: tuple[str, ...] = values.get("outgoing.allow") or ()
    for place in allow:
        try:
            places.read(place)
        except ValueError:
            faults.append(Fault("outgoing.allow", "host, host:port, an address or a network as 10.0.0.0/8", place[:80]))
    ca_file = values.get("outgoing.ca_file")
    if ca_file is not None and not _holds_certificates(ca_file):
        faults.append(Fault("outgoing.ca_file", "a readable file of PEM certificates", str(ca_file)))
    seconds, octets = values.get("outgoing.time_limit_seconds"), values.get("outgoing.size_limit_octets")
    return Outgoing(allow, ca_file, seconds or 0, octets or 0)


def _holds_certificates(path: pathlib.Path) -> bool:
    try:
        return b"-----BEGIN CERTIFICATE-----" in path.read_bytes()
    except OSError:
        return False


def check_master_key(key: Secret | None, faults: list[Fault], *, allow_weak: bool) -> None:
    """Refuse a master key that is none, or that could be guessed unless that is allowed."""
    wrong = masterkey.weakness(key.reveal()) if key is not None and not allow_weak else None
    if wrong is not None:
        received, hint = wrong
        faults.append(Fault("keys.master_key", "32 random octets as base64", received, hint))


def _check_database(url: str | None, faults: list[Fault]) -> None:
    if url is not None and not url.startswith(("sqlite:", "postgresql:", "postgres:")):
        # The address may hold a password: only its scheme is told.
        scheme = url.partition(":")[0][:20] if "://" in url else "no scheme"
        faults.append(Fault("database.url", "an address that begins with sqlite: or postgresql:", scheme))


def _check_pair(certificate: pathlib.Path, key: pathlib.Path, faults: list[Fault]) -> None:
    """Refuse a certificate and a key that are none, or that do not belong together."""
    # Loaded only where this process speaks TLS itself.
    import ssl  # noqa: PLC0415

    try:
        # A key under a password would be asked for at the terminal: it opens with none.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (OSError, ValueError) as exc:
        received = exc.strerror if isinstance(exc, PermissionError) else "something else, or another's key"
        expected = "the PEM private key of the certificate, without a password"
        faults.append(Fault("tls.key_file", expected, f"{key}: {received}", f"check: openssl x509 -in {certificate}"))


def _tls(values: dict[str, Any], faults: list[Fault]) -> TLS | None:
    certificate, key = values.get("tls.certificate_file"), values.get("tls.key_file")
    if (certificate is None) != (key is None):
        lacking = "tls.key_file" if key is None else "tls.certificate_file"
        faults.append(
            Fault(lacking, "both certificate_file and key_file, or neither", "one of them", faults_.setting(lacking))
        )
    if certificate is None or key is None:
        return None
    before = len(faults)
    if not certificate.is_file():
        faults.append(Fault("tls.certificate_file", "a readable file", f"{certificate}: not there"))
    try:
        secretfiles.refuse_open(key)
    except secretfiles.Unusable as wrong:
        faults.append(Fault("tls.key_file", wrong.expected, wrong.received, wrong.hint))
    if len(faults) == before:
        _check_pair(certificate, key, faults)
    return TLS(certificate, key)
