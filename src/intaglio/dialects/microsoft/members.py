"""Where the groups are that did not fit into a token: the endpoint that `_claim_sources` names.

Microsoft's pages "ID token claims reference" (groups overage claim) and "getMemberObjects"; RFC 6750.
"""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import groups
from intaglio.protocol.faults import Forbidden
from intaglio.protocol.memberships import MembershipsAnswer, MembershipsQuery
from intaglio.wire import message
from intaglio.wire.message import Request, Response

PATH = "/users/{user_id}/getMemberObjects"


def read(request: Request, ctx: Context) -> MembershipsQuery:
    """Read a request for somebody's groups; what its body asks for is the client's own setting here."""
    token, problem = coding.bearer(request)
    return MembershipsQuery(token, ctx.words["user_id"][:80].lower(), problem)


def write(answer: MembershipsAnswer, ctx: Context) -> Response:
    """Write the identifiers of the groups that the client's tokens tell, all of them; `Forbidden` if they tell none."""
    asked = groups.asked(answer.client_settings)
    # SECURITY: what an application's tokens do not tell is not told here either (test_who_is_told_no_groups).
    if not asked:
        raise Forbidden(detail={"expected": "an application whose tokens tell groups", "received": "another"})
    told = [one.group_id for one in answer.memberships if groups.is_told(one, asked)]
    return message.json_response(200, codec.encode_json({"value": told}))
