"""One sample of every page and of its states, as realistic as the seeds of development mode."""

from __future__ import annotations

import msgspec

from intaglio.protocol import pages

ISSUER = "http://localhost:8080/default"
BRAND = pages.Brand(name="Intaglio")
TENANT = pages.Brand(name="Nordwind Logistics", accent="indigo")

_HEADER = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjJxSlBvM1lpZnJXTDF0bWsiLCJ0eXAiOiJKV1QifQ"
_PAYLOAD = (
    "eyJpc3MiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvZGVmYXVsdCIsInN1YiI6IjNmMmI5YzZlLTVkMWEtNGM3Ny05YTBlLTZiMWQ4ZjQyYzBh"
    "NyIsImF1ZCI6ImRlbW8iLCJleHAiOjE3NjM2NTA4MDAsImlhdCI6MTc2MzY0NzIwMCwiYXV0aF90aW1lIjoxNzYzNjQ3MTk0LCJub25jZSI6"
    "Im4tMFM2X1d6QTJNaiIsImF0X2hhc2giOiI3N1FtVVB0alBmeldIeWtnWmJLNTJRIiwiZW1haWwiOiJhbGljZUBleGFtcGxlLmNvbSJ9"
)
_SIGNATURE = (
    "Q2hhcmxlcyBCYWJiYWdlIGFuZCBBZGEgTG92ZWxhY2UgZW5ncmF2ZWQgdGhpcyBsaW5lIGJ5IGhhbmQgd2l0aCBhIGJ1cmluIG9uIGEgcGxh"
    "dGUgb2YgY29wcGVyIHdoaWNoIHRoZW4gcHJpbnRlZCBhIHRob3VzYW5kIG5vdGVzIHRoYXQgbm9ib2R5IGNvdWxkIGZvcmdlIGluIHRoZWly"
    "IGxpZmV0aW1lLCBub3QgZXZlbiB0aGUgZW5ncmF2ZXIgaGltc2VsZg"
)

ACCOUNTS = (
    pages.Account("alice", "alice-password", "All profile claims, e-mail, phone and address"),
    pages.Account("bob", "bob-password", "A name and an unverified e-mail"),
)

SCOPES = (
    pages.ScopeChoice("openid", "Know who you are", "A stable number that stands for you.", required=True),
    pages.ScopeChoice("profile", "See your profile", "Name, picture, birthday, language."),
    pages.ScopeChoice("email", "See your e-mail address", "And whether it was verified."),
    pages.ScopeChoice("offline_access", "Stay connected", "Keep access while you are away, until you end it."),
)

FACE = pages.ClientFace(
    "/_intaglio/static/favicon.svg",
    "https://freight.nordwind.example/",
    "https://freight.nordwind.example/privacy",
    "https://freight.nordwind.example/terms",
)

USERINFO = (
    pages.ClaimRow("name", "Alice Liddell", "The person's full name."),
    pages.ClaimRow("zoneinfo", "Europe/Vienna", "The person's time zone."),
)
CLAIMS = (
    pages.ClaimRow("iss", ISSUER, "Who made the token."),
    pages.ClaimRow("sub", "3f2b9c6e-5d1a-4c77-9a0e-6b1d8f42c0a7", "The person, for ever the same at this issuer."),
    pages.ClaimRow("aud", "demo", "Whom it is for; anybody else must refuse it."),
    pages.ClaimRow("exp", "1763650800", "Not to be believed from this moment on.", "20 November 2025, 15:00:00 UTC"),
    pages.ClaimRow("iat", "1763647200", "When it was made.", "20 November 2025, 14:00:00 UTC"),
    pages.ClaimRow("auth_time", "1763647194", "When the person last proved who they are.", "6 seconds earlier"),
    pages.ClaimRow("nonce", "n-0S6_WzA2Mj", "Ties the token to the sign-in that this browser began."),
    pages.ClaimRow("at_hash", "77QmUPtjPfzWHykgZbK52Q", "Ties the access token that came along."),
    pages.ClaimRow("email", "alice@example.com", "The address, as the issuer knows it."),
)

CHECKS = (
    pages.CheckRow(
        "Signature", "pass", "RS256, key 2qJPo3YifrWL1tmk", "RS256, key 2qJPo3YifrWL1tmk", "", "RFC 7515 5.2"
    ),
    pages.CheckRow("Issuer", "pass", ISSUER, ISSUER, "", "OpenID Connect Core 3.1.3.7, step 2"),
    pages.CheckRow("Audience", "pass", "demo", "demo", "", "OpenID Connect Core 3.1.3.7, step 3"),
    pages.CheckRow("Expiry", "pass", "after 14:00:02", "15:00:00", "", "OpenID Connect Core 3.1.3.7, step 9"),
    pages.CheckRow("Nonce", "pass", "n-0S6_WzA2Mj", "n-0S6_WzA2Mj", "", "OpenID Connect Core 3.1.3.7, step 11"),
    pages.CheckRow("Session binding", "skipped", "", "", "No logout token was asked for.", "Back-Channel Logout 2.4"),
)

REFUSED_CHECKS = (
    CHECKS[0],
    pages.CheckRow(
        "Issuer",
        "fail",
        ISSUER,
        "http://localhost:8080/defau1t",
        "Configure the issuer exactly as the discovery document names it.",
        "OpenID Connect Core 3.1.3.7, step 2",
    ),
    pages.CheckRow("Audience", "skipped", "demo", "", "", "OpenID Connect Core 3.1.3.7, step 3"),
)

STEPS = (
    ("Discovery", "The endpoints and keys were read from the issuer's own document."),
    ("Authorization request", "With state, nonce and an S256 code_challenge."),
    ("Code", "Came back to /demo/callback and was redeemed once."),
    ("Token response", "An ID token, an access token and a refresh token."),
)

PARTS = (
    pages.TokenPart("Header", _HEADER, '{\n  "alg": "RS256",\n  "kid": "2qJPo3YifrWL1tmk",\n  "typ": "JWT"\n}'),
    pages.TokenPart(
        "Payload",
        _PAYLOAD,
        '{\n  "iss": "http://localhost:8080/default",\n  "sub": "3f2b9c6e-5d1a-4c77-9a0e-6b1d8f42c0a7",\n'
        '  "aud": "demo",\n  "exp": 1763650800,\n  "iat": 1763647200,\n  "auth_time": 1763647194,\n'
        '  "nonce": "n-0S6_WzA2Mj",\n  "at_hash": "77QmUPtjPfzWHykgZbK52Q",\n  "email": "alice@example.com"\n}',
    ),
    pages.TokenPart("Signature", _SIGNATURE),
)

LINKS = (
    pages.Link("Demo", "/demo", "Sign in and look at the token"),
    pages.Link("Discovery", f"{ISSUER}/.well-known/openid-configuration", "All a client needs to know"),
    pages.Link("Keys", f"{ISSUER}/jwks", "The public halves, as JWKS"),
    pages.Link("Health", "/_intaglio/health", "Ready, and since when"),
)

DIALECTS = (
    pages.Link("Google", "http://localhost:8081/", "Metadata server and certificates"),
    pages.Link("Microsoft", "http://localhost:8082/", "answers"),
    pages.Link("Auth0", "http://localhost:8083/", "Discovery, authorize, token"),
    pages.Link("Cloudentity", "http://localhost:8084/", "Listed, not yet answering"),
)

CLIENTS = (
    pages.SeededClient(
        "web",
        "web-secret",
        "confidential",
        ("http://127.0.0.1:9999/cb", "http://localhost:3000/callback"),
        "Server-side applications; PKCE welcome",
    ),
    pages.SeededClient("spa", "", "public", ("http://localhost:5173/callback",), "Applications in a browser"),
    pages.SeededClient("native", "", "public", ("http://127.0.0.1/callback",), "Desktop and command line, any port"),
    pages.SeededClient("machine", "machine-secret", "confidential", (), "Client credentials, no person"),
)

COMMANDS = (
    ("Get a token", "intaglio token get --client machine"),
    ("Look inside a token", "intaglio token inspect < token.txt"),
    ("Check a token", "intaglio token verify --issuer http://localhost:8080/default --audience web"),
)


def _token_page(believed: bool) -> pages.DemoTokenPage:
    return pages.DemoTokenPage(
        issuer=ISSUER,
        subject="3f2b9c6e-5d1a-4c77-9a0e-6b1d8f42c0a7",
        user_name="Alice Liddell",
        parts=PARTS,
        claims=CLAIMS,
        checks=CHECKS if believed else REFUSED_CHECKS,
        believed=believed,
        refreshed=1,
        refresh_action="/demo/refresh",
        logout_action="/demo/logout",
        csrf="csrf-sample",
        steps=STEPS,
        userinfo=USERINFO,
    )


SIGNED_IN = (
    pages.SessionRow(
        "s-1", "Firefox on Linux", "20 November 2025, 14:00 UTC", ("Intaglio demo", "Freight desk"), own=True
    ),
    pages.SessionRow("s-2", "Safari on iPhone", "18 November 2025, 07:12 UTC", ("Freight desk",), own=False),
    pages.SessionRow("s-3", "An unknown browser", "2 November 2025, 22:45 UTC", (), own=False),
)
APPS = (
    pages.AppRow(
        "freight",
        "Freight desk",
        "https://freight.example.com",
        ("Know who you are", "See your profile", "Stay connected"),
        "3 March 2025, 09:30 UTC",
        offline=True,
    ),
    pages.AppRow(
        "demo",
        "Intaglio demo",
        "http://localhost:8080/demo",
        ("Know who you are",),
        "20 November 2025, 14:00 UTC",
        offline=False,
    ),
)

SAMPLES: dict[str, pages.Page] = {
    "start": pages.StartPage("0.1.0", ISSUER, LINKS, DIALECTS, ACCOUNTS, CLIENTS, COMMANDS),
    "demo": pages.DemoPage(ISSUER, "demo", "/demo/login", ACCOUNTS),
    "demo-failed": pages.DemoPage(ISSUER, "demo", "/demo/login", ACCOUNTS, error="You pressed Cancel. Try again."),
    "login": pages.LoginPage(BRAND, "Intaglio demo", "/default/login", "csrf-sample"),
    "login-failed": pages.LoginPage(
        TENANT, "Freight desk", "/nordwind/login", "csrf-sample", "alice", "The username or the password is not right."
    ),
    "consent": pages.ConsentPage(
        BRAND,
        "Intaglio demo",
        "http://localhost:8080/demo",
        "Alice Liddell",
        "/default/consent",
        "csrf-sample",
        SCOPES,
        "http://localhost:8080",
    ),
    "consent-by-service": pages.ConsentPage(
        TENANT,
        "Freight desk",
        "",
        "Alice Liddell",
        "/nordwind/consent",
        "csrf-sample",
        (
            *(msgspec.structs.replace(scope, group="profile") for scope in SCOPES),
            pages.ScopeChoice("freight.read", "See your freight", "What is under way, and where.", group="freight"),
        ),
        "https://freight.example.com",
        groups=(
            pages.ChoiceGroup("profile", "Profile", "Who you are, and how you can be reached."),
            pages.ChoiceGroup("freight", "Freight"),
        ),
    ),
    "login-with-links": pages.LoginPage(
        TENANT,
        "Freight desk",
        "/nordwind/login",
        "csrf-sample",
        face=FACE,
        sign_up="/_intaglio/signup/sample",
    ),
    "login-with-connections": pages.LoginPage(
        TENANT,
        "Freight desk",
        "/nordwind/login",
        "csrf-sample",
        error="Signing in with Nordwind staff did not succeed. (ref_4f2a91c0000017)",
        elsewhere=True,
        sign_up="/_intaglio/signup/sample",
        connections=(
            pages.ConnectionChoice("google", "Google", "/_intaglio/upstream/go/sample/google"),
            pages.ConnectionChoice("staff", "Nordwind staff", "/_intaglio/upstream/go/sample/staff"),
            pages.ConnectionChoice(
                "harbour",
                "the Harbour Authority of the Free and Hanseatic Town of Nordwind",
                "/_intaglio/upstream/go/sample/harbour",
            ),
        ),
    ),
    "realm": pages.RealmPage(TENANT, "Freight desk", "/_intaglio/login/sample", "csrf-sample"),
    "realm-failed": pages.RealmPage(
        TENANT,
        "Freight desk",
        "/_intaglio/login/sample",
        "csrf-sample",
        "carol",
        "Nobody signs in here by such a name. Look at the part behind the @.",
    ),
    "signup": pages.SignUpPage(
        TENANT, "Freight desk", "/_intaglio/signup/sample", "csrf-sample", "/_intaglio/login/sample", face=FACE
    ),
    "signup-failed": pages.SignUpPage(
        TENANT,
        "Freight desk",
        "/_intaglio/signup/sample",
        "csrf-sample",
        "/_intaglio/login/sample",
        "alice",
        "This user name is taken. Choose another one, or sign in if it is yours.",
    ),
    "consent-for-everybody": pages.ConsentPage(
        TENANT,
        "Freight desk",
        "",
        "Alice Liddell",
        "/nordwind/consent",
        "csrf-sample",
        (
            pages.ScopeChoice("openid", "Know who you are", "A stable identifier for you.", required=True),
            pages.ScopeChoice("User.Read", "User.Read", "A permission that the application defines."),
        ),
        "https://freight.example/consented",
        for_everybody=True,
    ),
    "consent-with-links": pages.ConsentPage(
        TENANT,
        "Freight desk",
        "",
        "Alice Liddell",
        "/nordwind/consent",
        "csrf-sample",
        SCOPES[:3],
        "https://freight.nordwind.example/callback",
        face=FACE,
    ),
    "device": pages.DevicePage(TENANT, "/_intaglio/device?tenant=sample", "csrf-sample"),
    "device-filled-in": pages.DevicePage(TENANT, "/_intaglio/device?tenant=sample", "csrf-sample", "WDJB-MJHT"),
    "device-unknown": pages.DevicePage(
        TENANT,
        "/_intaglio/device?tenant=sample",
        "csrf-sample",
        "WDJB-MJHT",
        "No device waits under this code. Look at your device again: the code may have expired.",
    ),
    "device-confirm": pages.DeviceConfirmPage(
        TENANT,
        "Freight screen",
        "Alice Liddell",
        "WDJB-MJHT",
        "2001:db8:85a3::8a2e:370:7334",
        False,
        "2 minutes ago",
        "/_intaglio/device/sample",
        "csrf-sample",
        SCOPES,
        FACE,
    ),
    "device-done": pages.DeviceDonePage(TENANT, "Freight screen", True),
    "device-denied": pages.DeviceDonePage(TENANT, "Freight screen", False),
    "demo-token": _token_page(believed=True),
    "demo-token-refused": _token_page(believed=False),
    "logout": pages.LogoutPage(BRAND, "Alice Liddell", "Intaglio demo", "/default/logout", "csrf-sample"),
    "logged-out": pages.LoggedOutPage(BRAND, "Intaglio demo", "http://localhost:8080/demo"),
    "account": pages.AccountPage(BRAND, "Alice Liddell", "/_intaglio/account?tenant=1", "csrf-sample", SIGNED_IN, APPS),
    "account-empty": pages.AccountPage(
        TENANT, "Ada Lovelace", "/_intaglio/account?tenant=1", "csrf-sample", SIGNED_IN[:1], ()
    ),
    "still-signed-in": pages.LoggedOutPage(BRAND, ended=False),
    "oauth-error": pages.ErrorPage(
        400,
        "invalid_request",
        "The redirect_uri does not match any that is registered for this client.",
        "ief_7Q2MZ4K9TB",
        "Register the redirect_uri character by character as the application sends it, or correct the application.",
        "http://127.0.0.1:9999/cb\nhttp://localhost:3000/callback",
        "http://localhost:3000/calback",
    ),
    "not-found": pages.ErrorPage(404, "not_found", "There is no page at this address.", "ief_0C5WX81JRD"),
    "form-post": pages.FormPostPage(
        "https://app.example.com/callback", (("code", "SplxlOBeZQQYbYS6WxSbIA"), ("state", "af0ifjsldkj"))
    ),
    "organization": pages.OrganizationPage(
        pages.Brand("Acme"),
        "Example web app",
        "Alice Elizabeth Adams",
        "/_intaglio/organization/x",
        "form-token",
        (pages.OrganizationChoice("org_1", "hay", "Hay Ltd"), pages.OrganizationChoice("org_2", "oat", "Oat & Sons")),
    ),
    "web-message": pages.WebMessagePage(
        "https://app.example.com", (("code", "SplxlOBeZQQYbYS6WxSbIA"), ("state", "af0ifjsldkj"))
    ),
    "inspect": pages.InspectPage(),
    "inspect-origin-refused": pages.InspectPage(
        problem="The address asked for names an origin that may not be allowed, so this page connects to nobody."
    ),
    "admin-welcome": pages.AdminWelcomePage(BRAND, "/_intaglio/admin/welcome/sample", "csrf-sample"),
    "admin-welcome-failed": pages.AdminWelcomePage(
        BRAND,
        "/_intaglio/admin/welcome/sample",
        "csrf-sample",
        "ada",
        "The password cannot be used. It needs 8 to 1024 characters.",
    ),
    "admin-welcome-done": pages.AdminWelcomeDonePage(
        BRAND,
        "ada",
        "intaglio login --issuer https://id.example.com/operators --client-id intaglio-cli"
        " --scope 'openid intaglio.admin'",
        "intaglio tenant list --server https://id.example.com",
    ),
    "dialect": pages.DialectPage(
        "Auth0",
        "http://localhost:8083/",
        (pages.Link("Discovery", "http://localhost:8083/.well-known/openid-configuration", "RSA keys only"),),
        "Answers discovery, keys, /authorize and /oauth/token as Auth0's page describes them.",
        "http://localhost:8080/",
    ),
}
