"""The provider's metadata (OpenID Connect Discovery 4, and the discovery sections of the logout specifications)."""

from __future__ import annotations

from tests.conformance.op.checks import published
from tests.conformance.op.running import Run


def discovery_endpoint_verification(run: Run) -> None:
    """The metadata is complete, of the right types, and true of where it was found."""
    run.look()
    if run.dynamic:
        run.offers("registration_endpoint")
    location = run.op.issuer + published.DISCOVERY_TAIL
    run.add(published.discovery(run.op.metadata, location, dynamic=run.dynamic))


def _advertises(run: Run, *names: str) -> None:
    discovery_endpoint_verification(run)
    run.offers(names[0])
    for name in names:
        run.expect(run.op.metadata.get(name), "metadata-missing", name)


def rp_initiated_logout_discovery(run: Run) -> None:
    """The metadata names the logout endpoint."""
    _advertises(run, "end_session_endpoint")


def session_management_discovery(run: Run) -> None:
    """The metadata names the session iframe."""
    _advertises(run, "check_session_iframe")


def frontchannel_discovery(run: Run) -> None:
    """The metadata promises front-channel logout with session ids."""
    _advertises(run, "frontchannel_logout_supported", "frontchannel_logout_session_supported")


def backchannel_discovery(run: Run) -> None:
    """The metadata promises back-channel logout with session ids."""
    _advertises(run, "backchannel_logout_supported", "backchannel_logout_session_supported")
