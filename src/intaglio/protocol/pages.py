"""What a person is shown, as plain values: `server.web` turns each record into HTML.

A page record holds untrusted text as it came; escaping is the renderer's duty. `form_targets` are the origins (or
schemes) to which a form on the page may lead, redirects included (Content Security Policy 3, `form-action`).
"""

from __future__ import annotations

import msgspec


class _Unprinted(msgspec.Struct, frozen=True):
    """A page whose form token, code or ID token must not get into a log by its repr."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class Brand(msgspec.Struct, frozen=True):
    """Whose page it is: a tenant's display name, and its logo and accent where set.

    `accent` names one of the tested inks (green, indigo, plum, umber); anything else leaves the page green.
    """

    name: str
    logo_uri: str = ""
    accent: str = ""


class ClientFace(msgspec.Struct, frozen=True):
    """What a client shows of itself beside its name (OpenID Connect Registration 1.0, section 2).

    A logo is drawn only if the browser needs no other host for it: a `data:` picture, or a path of this origin.
    """

    logo_uri: str = ""
    client_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""


class ConnectionChoice(msgspec.Struct, frozen=True):
    """Another provider at which somebody may sign in: its name, what people call it, and what leads there."""

    name: str
    title: str
    href: str


class LoginPage(_Unprinted, frozen=True):
    """Ask for user name and password; `error` is the sentence shown after a failed attempt.

    `sign_up` is where an account can be made, empty where nobody may. `connections` are other ways in; `elsewhere` says
    that the error is about one of these, and not about what was typed.
    """

    brand: Brand
    client_name: str
    action: str
    csrf: str
    username: str = ""
    error: str = ""
    form_targets: tuple[str, ...] = ()
    face: ClientFace = ClientFace()
    sign_up: str = ""
    connections: tuple[ConnectionChoice, ...] = ()
    elsewhere: bool = False


class RealmPage(_Unprinted, frozen=True):
    """Ask for the user name alone: it says where the person signs in."""

    brand: Brand
    client_name: str
    action: str
    csrf: str
    username: str = ""
    error: str = ""
    form_targets: tuple[str, ...] = ()


class SignUpPage(_Unprinted, frozen=True):
    """Ask for the name and password of a new account; `log_in` is where those go who have one."""

    brand: Brand
    client_name: str
    action: str
    csrf: str
    log_in: str
    username: str = ""
    error: str = ""
    form_targets: tuple[str, ...] = ()
    face: ClientFace = ClientFace()


class ScopeChoice(msgspec.Struct, frozen=True):
    """One scope on the consent page; a `required` one is shown but cannot be unticked. `group` names its group."""

    name: str
    title: str
    description: str
    required: bool = False
    group: str = ""


class ChoiceGroup(msgspec.Struct, frozen=True):
    """A group of scopes on the consent page, with its title and a sentence; its name is part of an element's id."""

    name: str
    title: str
    description: str = ""


class ConsentPage(_Unprinted, frozen=True):
    """Ask whether `client_name` may have the scopes; every one is ticked at first.

    Where there are `groups`, each scope is shown in its own. `for_everybody` tells that an administrator is asked, for
    all of the tenant. `owner` names the other tenant where the application is one's.
    """

    brand: Brand
    client_name: str
    client_uri: str
    user_name: str
    action: str
    csrf: str
    scopes: tuple[ScopeChoice, ...]
    destination: str
    form_targets: tuple[str, ...] = ()
    face: ClientFace = ClientFace()
    groups: tuple[ChoiceGroup, ...] = ()
    for_everybody: bool = False
    owner: str = ""


class OrganizationChoice(msgspec.Struct, frozen=True):
    """One organization on the page that asks for one; `value` is what the form sends."""

    value: str
    name: str
    title: str


class OrganizationPage(_Unprinted, frozen=True):
    """Ask for which of their organizations somebody signs in."""

    brand: Brand
    client_name: str
    user_name: str
    action: str
    csrf: str
    choices: tuple[OrganizationChoice, ...]
    form_targets: tuple[str, ...] = ()
    face: ClientFace = ClientFace()


class DevicePage(_Unprinted, frozen=True):
    """Ask for the code that a device shows (RFC 8628 section 3.3); `user_code` came with the address."""

    brand: Brand
    action: str
    csrf: str
    user_code: str = ""
    error: str = ""
    form_targets: tuple[str, ...] = ()


class DeviceConfirmPage(_Unprinted, frozen=True):
    """Ask whether a device may be let in, with all that is known of it (RFC 8628 sections 3.3.1 and 5.4).

    `origin` is the address that it asked from, `nearby` tells whether this browser has the same, `waited` is in words.
    """

    brand: Brand
    client_name: str
    user_name: str
    user_code: str
    origin: str
    nearby: bool
    waited: str
    action: str
    csrf: str
    scopes: tuple[ScopeChoice, ...]
    face: ClientFace = ClientFace()
    form_targets: tuple[str, ...] = ()
    groups: tuple[ChoiceGroup, ...] = ()


class DeviceDonePage(msgspec.Struct, frozen=True):
    """Say that the device was let in, or turned away."""

    brand: Brand
    client_name: str
    allowed: bool
    form_targets: tuple[str, ...] = ()


class LogoutPage(_Unprinted, frozen=True):
    """Ask whether to sign out (OpenID Connect RP-Initiated Logout 1.0 section 2)."""

    brand: Brand
    user_name: str
    client_name: str
    action: str
    csrf: str
    form_targets: tuple[str, ...] = ()


class LoggedOutPage(msgspec.Struct, frozen=True):
    """Say that the session has ended, or that it goes on (`ended` False) because the person wanted to stay.

    `frames` are addresses that are loaded out of sight, so that applications forget their own sessions; then the page
    goes on to `location`, if there is one (OpenID Connect Front-Channel Logout 1.0 section 2).
    """

    brand: Brand
    client_name: str = ""
    client_uri: str = ""
    ended: bool = True
    form_targets: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    location: str = ""


class SessionRow(msgspec.Struct, frozen=True):
    """One sign-in on the page `sessions and apps`; `own` is the one that looks at it."""

    session_id: str
    device: str
    signed_in: str
    apps: tuple[str, ...]
    own: bool


class AppRow(msgspec.Struct, frozen=True):
    """One application on the page `sessions and apps`: what it may do, since when, and whether also while away."""

    client_id: str
    name: str
    client_uri: str
    titles: tuple[str, ...]
    since: str
    offline: bool


class AccountPage(_Unprinted, frozen=True):
    """A person's own sign-ins and applications, each with a button that ends it."""

    brand: Brand
    user_name: str
    action: str
    csrf: str
    sessions: tuple[SessionRow, ...]
    apps: tuple[AppRow, ...]
    form_targets: tuple[str, ...] = ()


class ErrorPage(msgspec.Struct, frozen=True):
    """Say what went wrong where redirecting would be unsafe.

    `code` is the standard error, `sentence` its public text, `ref` the reference to quote. `expected` and `received`
    are filled for developers only (development mode).
    """

    status: int
    code: str
    sentence: str
    ref: str
    next_step: str = ""
    expected: str = ""
    received: str = ""
    brand: Brand = Brand(name="Intaglio")
    form_targets: tuple[str, ...] = ()


class AdminWelcomePage(_Unprinted, frozen=True):
    """Let the first administrator choose a name and a password; `error` is what was wrong with the last try."""

    brand: Brand
    action: str
    csrf: str
    username: str = ""
    error: str = ""
    form_targets: tuple[str, ...] = ()


class AdminWelcomeDonePage(msgspec.Struct, frozen=True):
    """Say that the account is there, and what to type next."""

    brand: Brand
    username: str
    command: str
    next_command: str
    form_targets: tuple[str, ...] = ()


class FormPostPage(_Unprinted, frozen=True):
    """A page that posts `fields` to `action` (OAuth 2.0 Form Post Response Mode 1.0)."""

    action: str
    fields: tuple[tuple[str, str], ...]
    form_targets: tuple[str, ...] = ()


class WebMessagePage(_Unprinted, frozen=True):
    """A page that hands `fields` to the page that framed or opened it, and to pages of `target` alone, an origin.

    OAuth 2.0 Web Message Response Mode (draft-sakimura-oauth-wmrm).
    """

    target: str
    fields: tuple[tuple[str, str], ...]
    form_targets: tuple[str, ...] = ()


class Link(msgspec.Struct, frozen=True):
    """A labelled address; `note` says in a few words what it is for."""

    label: str
    href: str
    note: str = ""


class Account(msgspec.Struct, frozen=True):
    """A seeded person on the start page."""

    username: str
    password: str
    note: str


class SeededClient(msgspec.Struct, frozen=True):
    """A seeded client on the start page; `client_secret` is empty for a public one."""

    client_id: str
    client_secret: str
    kind: str
    redirect_uris: tuple[str, ...]
    note: str


class SeededIdentity(msgspec.Struct, frozen=True):
    """A seeded service account on the start page."""

    email: str
    unique_id: str
    note: str


class StartPage(msgspec.Struct, frozen=True):
    """The front page of development mode: all that was seeded, with links to copy."""

    version: str
    issuer: str
    links: tuple[Link, ...]
    dialects: tuple[Link, ...]
    accounts: tuple[Account, ...]
    clients: tuple[SeededClient, ...]
    commands: tuple[tuple[str, str], ...]
    form_targets: tuple[str, ...] = ()
    demo_uri: str = "/demo"
    identities: tuple[SeededIdentity, ...] = ()


class TokenPart(_Unprinted, frozen=True):
    """One dot-separated part of a compact token: its label (header, payload, signature …), text and decoded JSON."""

    label: str
    text: str
    decoded: str = ""


class ClaimRow(msgspec.Struct, frozen=True):
    """One claim: name, value as shown, a sentence on its meaning, and the human time where it is an instant."""

    name: str
    value: str
    meaning: str
    time: str = ""


class CheckRow(msgspec.Struct, frozen=True):
    """One validation check: outcome is `pass`, `fail` or `skipped`."""

    name: str
    outcome: str
    expected: str
    received: str
    hint: str = ""
    spec: str = ""


class DemoPage(msgspec.Struct, frozen=True):
    """The demo relying party before anybody has signed in."""

    issuer: str
    client_id: str
    login_uri: str
    accounts: tuple[Account, ...]
    error: str = ""
    form_targets: tuple[str, ...] = ()


class DemoTokenPage(_Unprinted, frozen=True):
    """The demo relying party with somebody signed in: the ID token told apart, its claims and every check.

    `userinfo` are the claims that are not in the token and came from UserInfo.
    """

    issuer: str
    subject: str
    user_name: str
    parts: tuple[TokenPart, ...]
    claims: tuple[ClaimRow, ...]
    checks: tuple[CheckRow, ...]
    believed: bool
    refreshed: int
    refresh_action: str
    logout_action: str
    csrf: str
    steps: tuple[tuple[str, str], ...]
    userinfo: tuple[ClaimRow, ...] = ()
    form_targets: tuple[str, ...] = ()
    inspect_uri: str = "/inspect"


class InspectPage(msgspec.Struct, frozen=True):
    """The token inspector: a page that works in the browser alone and is sent no token.

    `origins` are those that its policy lets it connect to; `problem` says why the ones asked for were refused.
    """

    origins: tuple[str, ...] = ()
    problem: str = ""
    form_targets: tuple[str, ...] = ()


class DialectPage(msgspec.Struct, frozen=True):
    """The front page of one dialect's port: what it answers, and what it does not yet."""

    dialect: str
    issuer: str
    links: tuple[Link, ...]
    sentence: str
    home: str
    form_targets: tuple[str, ...] = ()


Page = (
    LoginPage
    | RealmPage
    | SignUpPage
    | ConsentPage
    | DevicePage
    | DeviceConfirmPage
    | DeviceDonePage
    | LogoutPage
    | LoggedOutPage
    | AccountPage
    | ErrorPage
    | FormPostPage
    | WebMessagePage
    | OrganizationPage
    | StartPage
    | DemoPage
    | DemoTokenPage
    | InspectPage
    | DialectPage
    | AdminWelcomePage
    | AdminWelcomeDonePage
)
