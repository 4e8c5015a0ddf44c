"""The known defects: what is wrong with the provider, and which module has to notice it by which finding."""

from __future__ import annotations

from tests.conformance.op.defects import exchanging, further, leaving, publishing, requesting, telling, tokens
from tests.conformance.op.faulty import Fault

DEFECTS: list[Fault] = [
    *tokens.id_tokens(),
    *tokens.front_channel_tokens(),
    *requesting.authorization(),
    *exchanging.exchanges(),
    *telling.userinfo(),
    *publishing.published(),
    *publishing.registration(),
    *leaving.logouts(),
    *leaving.back_channel(),
    *leaving.front_channel(),
    *further.envelopes(),
    *further.ignored(),
    *further.goodbyes(),
]
