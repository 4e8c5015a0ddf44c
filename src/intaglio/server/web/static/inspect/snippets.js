// "Validate this in …": lines for other languages with issuer and audience filled in, each escaped as its language asks.
//
// SECURITY: what is filled in may come from a hostile token. Outside the quotation marks stands nothing of it, inside
// them nothing but printable ASCII: no line break, no look-alike, no text that runs backwards (CVE-2021-42574).

const MOST = 300;
const PUBLISHED = new Set(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]);

const points = (text) => [...text].map((one) => one.codePointAt(0));
const isPlain = (point) => point >= 0x20 && point < 0x7f;
const hex = (number, digits) => number.toString(16).toUpperCase().padStart(digits, "0");
const units = (point) => [...Array(String.fromCodePoint(point).length).keys()].map((at) => String.fromCodePoint(point).charCodeAt(at));
const octets = (point) => [...new TextEncoder().encode(String.fromCodePoint(point))];

function escaped(text, special, other) {
  return points(text).map((point) => {
    const sign = String.fromCodePoint(point);
    if (special.includes(sign)) return `\\${sign}`;
    return isPlain(point) ? sign : other(point);
  }).join("");
}

const wide = (point) => (point > 0xffff ? `\\U${hex(point, 8)}` : `\\u${hex(point, 4)}`);
const byUnits = (point) => units(point).map((unit) => `\\u${hex(unit, 4)}`).join("");
const proper = (text) => text.replace(/\p{Cs}/gu, "\uFFFD");

export const quote = {
  python: (text) => `"${escaped(proper(text), '"\\', wide)}"`,
  node: (text) => `"${escaped(proper(text), '"\\', byUnits)}"`,
  go: (text) => `"${escaped(proper(text), '"\\', wide)}"`,
  // JLS 3.3 reads \uXXXX before anything else, line breaks and quotation marks included: octal escapes below U+0100.
  java: (text) => `"${escaped(proper(text), '"\\', (point) => (point < 0x100 ? `\\${point.toString(8).padStart(3, "0")}` : byUnits(point)))}"`,
  csharp: (text) => `"${escaped(proper(text), '"\\', wide)}"`,
  shell: (text) => (points(proper(text)).every(isPlain)
    ? `'${text.replaceAll("'", "'\\''")}'`
    : `$'${escaped(proper(text), "'\\", (point) => octets(point).map((octet) => `\\x${hex(octet, 2)}`).join(""))}'`),
};

const usable = (text, otherwise) => (typeof text === "string" && text !== "" && text.length <= MOST ? text : otherwise);

// {issuer, audience, dialect, algorithm, discovery} as text → the lines of every language.
export function snippets(given) {
  const issuer = usable(given.issuer, "https://issuer.example");
  const audience = usable(given.audience, "my-client");
  const discovery = usable(given.discovery, `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const algorithm = PUBLISHED.has(given.algorithm) ? given.algorithm : "RS256";
  const dialect = /^[a-z0-9]{1,20}$/.test(given.dialect ?? "") ? given.dialect : "standard";
  const values = { issuer, audience, discovery, algorithm, dialect };
  return LANGUAGES.map(({ id, title, note, lines }) => ({ id, title, note, code: lines(values) }));
}

const LANGUAGES = [
  {
    id: "intaglio", title: "Python", note: "pip install intaglio — finds the keys, makes every check of the report above, and says which one failed.",
    lines: ({ issuer, audience, dialect }) => `import intaglio

validator = intaglio.Validator(
    issuer=${quote.python(issuer)},
    audience=${quote.python(audience)},
    dialect="${dialect}",
)
token = validator.validate(id_token, nonce=nonce)  # raises intaglio.Refused
print(token.sub)`,
  },
  {
    id: "pyjwt", title: "PyJWT", note: "pip install \"PyJWT[crypto]\" — nonce and at_hash are yours to compare.",
    lines: ({ issuer, audience, discovery, algorithm }) => `import json, urllib.request
import jwt

issuer = ${quote.python(issuer)}
audience = ${quote.python(audience)}
with urllib.request.urlopen(${quote.python(discovery)}, timeout=10) as answer:
    metadata = json.load(answer)
assert metadata["issuer"] == issuer
key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(id_token)
claims = jwt.decode(
    id_token, key, algorithms=["${algorithm}"], issuer=issuer, audience=audience, leeway=60,
    options={"require": ["iss", "sub", "aud", "exp", "iat"]},
)
assert claims["nonce"] == nonce`,
  },
  {
    id: "node", title: "Node", note: "npm install jose",
    lines: ({ issuer, audience, discovery, algorithm }) => `import { createRemoteJWKSet, jwtVerify } from "jose";

const issuer = ${quote.node(issuer)};
const audience = ${quote.node(audience)};
const metadata = await (await fetch(${quote.node(discovery)}, { redirect: "error" })).json();
if (metadata.issuer !== issuer) throw new Error("another issuer's document");
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri)); // once, not for every token
const { payload } = await jwtVerify(idToken, keys, {
  issuer, audience, algorithms: ["${algorithm}"], clockTolerance: 60, requiredClaims: ["sub", "exp", "iat"],
});
if (payload.nonce !== nonce) throw new Error("not the answer to this request");`,
  },
  {
    id: "go", title: "Go", note: "go get github.com/coreos/go-oidc/v3/oidc",
    lines: ({ issuer, audience, algorithm }) => `provider, err := oidc.NewProvider(ctx, ${quote.go(issuer)}) // once, not for every token
if err != nil {
	return err
}
verifier := provider.Verifier(&oidc.Config{
	ClientID:             ${quote.go(audience)},
	SupportedSigningAlgs: []string{"${algorithm}"},
})
idToken, err := verifier.Verify(ctx, rawIDToken)
if err != nil {
	return err
}
if idToken.Nonce != nonce {
	return errors.New("not the answer to this request")
}`,
  },
  {
    id: "java", title: "Java", note: "com.nimbusds:oauth2-oidc-sdk",
    lines: ({ issuer, audience, algorithm }) => `Issuer issuer = new Issuer(${quote.java(issuer)});
ClientID clientID = new ClientID(${quote.java(audience)});
OIDCProviderMetadata metadata = OIDCProviderMetadata.resolve(issuer); // once, not for every token
IDTokenValidator validator = new IDTokenValidator(
    issuer, clientID, JWSAlgorithm.${algorithm}, metadata.getJWKSetURI().toURL());
validator.setMaxClockSkew(60);
IDTokenClaimsSet claims = validator.validate(JWTParser.parse(idToken), new Nonce(nonce));
String subject = claims.getSubject().getValue();`,
  },
  {
    id: "csharp", title: "C#", note: "Microsoft.IdentityModel.JsonWebTokens and Microsoft.IdentityModel.Protocols.OpenIdConnect",
    lines: ({ issuer, audience, discovery, algorithm }) => `var manager = new ConfigurationManager<OpenIdConnectConfiguration>( // once, not for every token
    ${quote.csharp(discovery)},
    new OpenIdConnectConfigurationRetriever());
var configuration = await manager.GetConfigurationAsync(CancellationToken.None);
var result = await new JsonWebTokenHandler().ValidateTokenAsync(idToken, new TokenValidationParameters
{
    ValidIssuer = ${quote.csharp(issuer)},
    ValidAudience = ${quote.csharp(audience)},
    IssuerSigningKeys = configuration.SigningKeys,
    ValidAlgorithms = new[] { "${algorithm}" },
    ClockSkew = TimeSpan.FromSeconds(60),
});
if (!result.IsValid) throw result.Exception;
if (!Equals(result.Claims["nonce"], nonce)) throw new SecurityTokenException("not the answer to this request");`,
  },
  {
    id: "curl", title: "curl", note: "Fetches the keys itself, then checks without any connection. The token is read from token.txt.",
    lines: ({ issuer, audience, discovery, dialect }) => `${keysLine(discovery)}
intaglio token verify --jwks keys.json${dialect === "standard" ? "" : ` --dialect ${dialect}`} \\
  --issuer ${quote.shell(issuer)} \\
  --audience ${quote.shell(audience)} \\
  @token.txt`,
  },
];

// The line that gets an issuer's keys where the browser may not.
export function keysLine(discovery) {
  return `jwks_uri=$(curl -fgsS -- ${quote.shell(discovery)} | jq -er .jwks_uri) \\
  && curl -fgsS --proto =http,https -o keys.json -- "$jwks_uri"`;
}
