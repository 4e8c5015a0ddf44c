"""CEL: expressions that operators write, over what is known of a token or of a request."""

from __future__ import annotations

from intaglio.server.access.decide import Question
from intaglio.server.model.policies import Condition


def judge(condition: Condition, question: Question) -> str:
    """Return why a condition does not hold, empty if it does; a condition that cannot be judged does not hold."""
    del question
    return f"the condition '{condition.title}' cannot be judged"
