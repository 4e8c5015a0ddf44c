"""The type of the query names the function that answers it: one row each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from intaglio.protocol.account import AccountPageQuery
from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.protocol.clientadmin import ClientAct, ClientCreate, ClientsList
from intaglio.protocol.device import DeviceAuthorization, DeviceExchange, DeviceVisit
from intaglio.protocol.discovery import DiscoveryQuery, KeysQuery, Known
from intaglio.protocol.exchange import (
    AttachedExchange,
    ClientCredentialsExchange,
    CodeExchange,
    IntrospectQuery,
    RefreshExchange,
    RevokeQuery,
)
from intaglio.protocol.federation import TokenExchange
from intaglio.protocol.gate import AssertionQuery
from intaglio.protocol.iam import (
    AccountCreate,
    AccountDelete,
    AccountGet,
    AccountList,
    AccountSwitch,
    AccountUndelete,
    AccountUpdate,
    Impersonable,
    KeyCreate,
    KeyDelete,
    KeyGet,
    KeyList,
    KeySwitch,
    KeyUpload,
    PermissionsTest,
    PolicyGet,
    PolicySet,
    ProjectGet,
)
from intaglio.protocol.identity import Answered, IdentityQuery, TokenQuery, TreeAnswer, TreeQuery
from intaglio.protocol.impersonation import (
    AccessTokenAs,
    AccountKeysQuery,
    AllowedLocations,
    AssertionExchange,
    BlobAs,
    IdTokenAs,
    JwtAs,
    RevokeHeld,
    ShowToken,
)
from intaglio.protocol.logout import LogoutQuery
from intaglio.protocol.memberships import MembershipsQuery
from intaglio.protocol.pools import PoolQuery, ProviderQuery
from intaglio.protocol.pushed import PushQuery
from intaglio.protocol.registration import ManageQuery, RegisterQuery
from intaglio.protocol.sessionframe import SessionFrameQuery
from intaglio.protocol.userinfo import UserinfoQuery
from intaglio.server.provider import (
    account,
    clientadmin,
    device,
    introspect,
    membership,
    published,
    pushed,
    registration,
    revoke,
    sessionstate,
    userinfo,
)
from intaglio.server.provider.authorize import steps
from intaglio.server.provider.exchange import authorization_code, client_credentials, device_code, refresh_token
from intaglio.server.provider.logout import relying_party
from intaglio.server.provider.scene import House, Scene
from intaglio.server.workload import (
    administration,
    assertionkeys,
    assertions,
    credentials,
    inspection,
    keyadministration,
    metadata,
    policyadministration,
    pooladmin,
    publickeys,
    sts,
)
from intaglio.server.workload.place import Place, Works

Act = Callable[[Any, Scene, House], Awaitable[Any]]
WorkloadAct = Callable[[Any, Place, Works], Awaitable[Any]]

PROVIDER: dict[type, Act] = {
    AuthorizeQuery: steps.authorize,
    PushQuery: pushed.push,
    CodeExchange: authorization_code.exchange,
    RefreshExchange: refresh_token.exchange,
    ClientCredentialsExchange: client_credentials.exchange,
    AttachedExchange: client_credentials.attached,
    DeviceExchange: device_code.exchange,
    DeviceAuthorization: device.start,
    DeviceVisit: device.visit,
    UserinfoQuery: userinfo.userinfo,
    MembershipsQuery: membership.memberships,
    RevokeQuery: revoke.revoke,
    IntrospectQuery: introspect.introspect,
    RegisterQuery: registration.register,
    ManageQuery: registration.manage,
    ClientsList: clientadmin.listing,
    ClientCreate: clientadmin.create,
    ClientAct: clientadmin.act,
    LogoutQuery: relying_party.logout,
    AccountPageQuery: account.view,
    SessionFrameQuery: sessionstate.frame,
    DiscoveryQuery: published.discovery,
    KeysQuery: published.keys,
    Known: published.known,
}

ISSUES: dict[type, str] = {
    CodeExchange: "authorization_code",
    RefreshExchange: "refresh_token",
    ClientCredentialsExchange: "client_credentials",
    AttachedExchange: "attached",
    DeviceExchange: "device_code",
    TokenExchange: "token_exchange",
    AssertionExchange: "jwt_bearer",
    IdTokenAs: "impersonation",
    AccessTokenAs: "impersonation",
    IdentityQuery: "metadata",
    TokenQuery: "metadata",
}
"""What gives tokens, as it is counted."""

TOKENS = frozenset(
    {
        CodeExchange,
        RefreshExchange,
        ClientCredentialsExchange,
        AttachedExchange,
        DeviceExchange,
        DeviceAuthorization,
        TokenExchange,
        AssertionExchange,
        IdTokenAs,
        AccessTokenAs,
    }
)
"""What asks for tokens, and falls under the limits of tokens."""

WORKLOAD: dict[type, WorkloadAct] = {
    AssertionQuery: assertionkeys.published,
    IdentityQuery: metadata.identity,
    TokenQuery: metadata.token,
    TreeQuery: metadata.tree,
    TreeAnswer: metadata.moved,
    Answered: metadata.answered,
    TokenExchange: sts.exchange,
    PoolQuery: pooladmin.pool,
    ProviderQuery: pooladmin.provider,
    IdTokenAs: credentials.id_token,
    AccessTokenAs: credentials.access_token,
    BlobAs: credentials.sign_blob,
    JwtAs: credentials.sign_jwt,
    AllowedLocations: credentials.allowed_locations,
    AssertionExchange: assertions.exchange,
    AccountKeysQuery: publickeys.published,
    ShowToken: inspection.info,
    RevokeHeld: inspection.revoke,
    AccountCreate: administration.create,
    AccountGet: administration.get,
    AccountList: administration.listing,
    AccountUpdate: administration.update,
    AccountSwitch: administration.switch,
    AccountDelete: administration.delete,
    AccountUndelete: administration.undelete,
    ProjectGet: administration.project,
    KeyCreate: keyadministration.create,
    KeyUpload: keyadministration.upload,
    KeyList: keyadministration.listing,
    KeyGet: keyadministration.get,
    KeySwitch: keyadministration.switch,
    KeyDelete: keyadministration.delete,
    PolicyGet: policyadministration.show,
    PolicySet: policyadministration.put,
    PermissionsTest: policyadministration.permissions,
    Impersonable: policyadministration.impersonable,
}
