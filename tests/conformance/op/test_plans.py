"""The provider passes the OpenID Foundation's plans, without a failure and without a warning that it can avoid."""

from __future__ import annotations

import pytest

from tests.capability import capability
from tests.conformance.op import plans, running, tally
from tests.conformance.op.plans import Case
from tests.conformance.op.provider import Ground, Provider

WITNESS = "the plan's modules re-expressed, with joserfc as the client's eyes"


def passes(case: Case, ground: Ground) -> None:
    """Run a case; whatever it finds is a failure, and what is absent by design is skipped with the reason."""
    own = Ground() if case.module in plans.OWN_GROUND else None
    try:
        result = running.execute(case.module, Provider(own or ground), case.variant)
    finally:
        if own is not None:
            own.close()
    tally.note(case, result)
    # What is advertised today and gone tomorrow must not go by as skipped.
    assert (result.state == "not there") == (case.module in plans.ABSENT), f"{result.state}: {result.reason}"
    if result.state == "not there":
        pytest.skip(f"not there: {result.reason}")
    assert result.state == "passed", "\n".join(map(str, result.findings))


def test_plans_are_as_long_as_the_foundation_s() -> None:
    """Modules and variants are as many as the reference counts."""
    for static, dynamic, cases in (
        (35, 38, plans.BASIC),
        (54, 58, plans.IMPLICIT),
        (96, 102, plans.HYBRID),
        (35, 38, plans.FORM_POST_BASIC),
        (54, 58, plans.FORM_POST_IMPLICIT),
        (96, 102, plans.FORM_POST_HYBRID),
        (66, 66, plans.RP_LOGOUT),
        (12, 12, plans.SESSION),
    ):
        counted = [case.variant.registration for case in cases]
        assert (counted.count(plans.STATIC), counted.count(plans.DYNAMIC)) == (static, dynamic), cases[0].plan
    of_type = [case.variant.response_type for case in plans.DYNAMIC_PLAN]
    assert (of_type.count("code"), of_type.count("code id_token")) == (23, 22)


@capability("conformance-config", witness=WITNESS)
@pytest.mark.parametrize("case", plans.CONFIG, ids=str)
def test_config(case: Case, ground: Ground) -> None:
    """Config OP."""
    passes(case, ground)


@capability("conformance-basic", witness=WITNESS)
@pytest.mark.parametrize("case", plans.BASIC, ids=str)
def test_basic(case: Case, ground: Ground) -> None:
    """Basic OP: the code flow."""
    passes(case, ground)


@capability("conformance-implicit", witness=WITNESS)
@pytest.mark.parametrize("case", plans.IMPLICIT, ids=str)
def test_implicit(case: Case, ground: Ground) -> None:
    """Implicit OP."""
    passes(case, ground)


@capability("conformance-hybrid", witness=WITNESS)
@pytest.mark.parametrize("case", plans.HYBRID, ids=str)
def test_hybrid(case: Case, ground: Ground) -> None:
    """Hybrid OP."""
    passes(case, ground)


@capability("conformance-formpost", witness=WITNESS)
@pytest.mark.parametrize("case", plans.FORM_POST_BASIC, ids=str)
def test_form_post_basic(case: Case, ground: Ground) -> None:
    """Form Post OP, code flow."""
    passes(case, ground)


@capability("conformance-formpost", witness=WITNESS)
@pytest.mark.parametrize("case", plans.FORM_POST_IMPLICIT, ids=str)
def test_form_post_implicit(case: Case, ground: Ground) -> None:
    """Form Post OP, implicit flow."""
    passes(case, ground)


@capability("conformance-formpost", witness=WITNESS)
@pytest.mark.parametrize("case", plans.FORM_POST_HYBRID, ids=str)
def test_form_post_hybrid(case: Case, ground: Ground) -> None:
    """Form Post OP, hybrid flow."""
    passes(case, ground)


@capability("conformance-dynamic", witness=WITNESS)
@pytest.mark.parametrize("case", plans.DYNAMIC_PLAN, ids=str)
def test_dynamic(case: Case, ground: Ground) -> None:
    """Dynamic OP."""
    passes(case, ground)


@capability("conformance-thirdparty", witness=WITNESS)
@pytest.mark.parametrize("case", plans.THIRD_PARTY, ids=str)
def test_third_party(case: Case, ground: Ground) -> None:
    """Third Party-Initiated OP."""
    passes(case, ground)


@capability("conformance-rp-logout", witness=WITNESS)
@pytest.mark.parametrize("case", plans.RP_LOGOUT, ids=str)
def test_rp_logout(case: Case, ground: Ground) -> None:
    """RP-Initiated OP."""
    passes(case, ground)


@capability("conformance-frontchannel", witness=WITNESS)
@pytest.mark.parametrize("case", plans.FRONT_CHANNEL, ids=str)
def test_front_channel(case: Case, ground: Ground) -> None:
    """Front-Channel OP."""
    passes(case, ground)


@capability("conformance-backchannel", witness=WITNESS)
@pytest.mark.parametrize("case", plans.BACK_CHANNEL, ids=str)
def test_back_channel(case: Case, ground: Ground) -> None:
    """Back-Channel OP."""
    passes(case, ground)


@capability("conformance-session", witness=WITNESS)
@pytest.mark.parametrize("case", plans.SESSION, ids=str)
def test_session(case: Case, ground: Ground) -> None:
    """Session OP."""
    passes(case, ground)


@pytest.mark.parametrize("case", plans.BEYOND, ids=str)
def test_beyond(case: Case, ground: Ground) -> None:
    """What no plan asks and a provider must hold."""
    passes(case, ground)
