// Relying parties of oauth4webapi and of openid-client, unmodified: each registers itself for one feature and uses it.
// Lines of JSON with the test, one a step: where the person is to go, then what came of it.
import http from "node:http";
import readline from "node:readline";
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";

const settings = JSON.parse(process.argv[2]);
const { feature, issuer } = settings;
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const heard = async () => JSON.parse((await lines.next()).value);
const scope = "openid profile email";

// The application's own address, for what the provider sends it behind the person's back.
let arrived;
const posted = new Promise((done) => { arrived = done; });
const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (part) => { body += part; });
  request.on("end", () => {
    response.writeHead(200).end();
    arrived(new URLSearchParams(body));
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const home = `http://127.0.0.1:${server.address().port}`;
const redirect_uri = `${home}/cb`;

const signing = await jose.generateKeyPair("ES256", { extractable: true });
const opening = await jose.generateKeyPair("ECDH-ES+A128KW", { crv: "P-256", extractable: true });
const jwks = { keys: [
  { ...(await jose.exportJWK(signing.publicKey)), kid: "sig", use: "sig", alg: "ES256" },
  { ...(await jose.exportJWK(opening.publicKey)), kid: "enc", use: "enc", alg: "ECDH-ES+A128KW" },
] };
const encrypted = (prefix) => ({ jwks, [`${prefix}_encrypted_response_alg`]: "ECDH-ES+A128KW",
  [`${prefix}_encrypted_response_enc`]: "A128GCM" });
const usual = { application_type: "native", client_name: `matrix ${feature}`, redirect_uris: [redirect_uri],
  response_types: ["code"], grant_types: ["authorization_code"], token_endpoint_auth_method: settings.library === "oauth4webapi" ? "client_secret_basic" : "client_secret_post" };
const metadata = { ...usual, ...{
  code: {},
  hybrid: { response_types: ["code id_token"], grant_types: ["authorization_code", "implicit"] },
  implicit: { response_types: ["id_token"], grant_types: ["implicit"] },
  form_post: {},
  private_key_jwt: { token_endpoint_auth_method: "private_key_jwt", jwks, token_endpoint_auth_signing_alg: "ES256" },
  device: { response_types: [], redirect_uris: [], grant_types: ["urn:ietf:params:oauth:grant-type:device_code"] },
  encrypted_id_token: encrypted("id_token"),
  encrypted_userinfo: { ...encrypted("userinfo"), userinfo_signed_response_alg: "RS256" },
  front_channel_logout: { frontchannel_logout_uri: `${home}/front`, frontchannel_logout_session_required: true },
  back_channel_logout: { backchannel_logout_uri: `${home}/back`, backchannel_logout_session_required: true },
}[feature] };
const response_type = metadata.response_types[0];

function answered({ url, form }) {
  if (!form) return new URL(url);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return new Request(redirect_uri, { method: "POST", headers, body: new URLSearchParams(form).toString() });
}

// OpenID Connect Back-Channel Logout 2.6: what a relying party checks.
async function loggedOut(claims, keysAt) {
  const token = (await posted).get("logout_token");
  const keys = jose.createRemoteJWKSet(new URL(keysAt));
  const { payload, protectedHeader } = await jose.jwtVerify(token, keys, { issuer, audience: claims.aud, typ: "logout+jwt" });
  const event = payload.events["http://schemas.openid.net/event/backchannel-logout"];
  return { same: payload.sid === claims.sid && payload.sub === claims.sub, event, nonce: payload.nonce ?? null,
    alg: protectedHeader.alg };
}

async function leave(url, claims, keysAt) {
  tell({ leave: url });
  if (feature === "back_channel_logout") return { claims, logout: await loggedOut(claims, keysAt) };
  const asked = (await heard()).frames.map((one) => new URL(one)).find((one) => one.href.startsWith(`${home}/front`));
  const same = asked?.searchParams.get("iss") === issuer && asked.searchParams.get("sid") === claims.sid;
  return { claims, logout: { same } };
}

async function withOpenidClient() {
  const execute = [client.allowInsecureRequests];
  if (feature === "hybrid") execute.push(client.useCodeIdTokenResponseType);
  if (feature === "implicit") execute.push(client.useIdTokenResponseType);
  const authentication = feature === "private_key_jwt" ? client.PrivateKeyJwt({ key: signing.privateKey, kid: "sig" }) : undefined;
  const config = await client.dynamicClientRegistration(new URL(issuer), metadata, authentication, { execute });
  if (feature.startsWith("encrypted")) {
    client.enableDecryptingResponses(config, ["A128GCM"], { key: opening.privateKey, alg: "ECDH-ES+A128KW", kid: "enc" });
  }
  if (feature === "device") {
    const begun = await client.initiateDeviceAuthorization(config, { scope });
    tell({ device: begun });
    await heard();
    const tokens = await client.pollDeviceAuthorizationGrant(config, begun);
    return { claims: tokens.claims(), person: await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub) };
  }
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
  const parameters = { redirect_uri, scope, state: expectedState, nonce: expectedNonce };
  if (feature !== "implicit") {
    parameters.code_challenge = await client.calculatePKCECodeChallenge(pkceCodeVerifier);
    parameters.code_challenge_method = "S256";
  }
  if (feature === "form_post") parameters.response_mode = "form_post";
  tell({ go: client.buildAuthorizationUrl(config, parameters).href });
  const at = answered(await heard());
  if (feature === "implicit") {
    return { claims: await client.implicitAuthentication(config, at, expectedNonce, { expectedState }) };
  }
  const tokens = await client.authorizationCodeGrant(config, at, { expectedState, expectedNonce, pkceCodeVerifier, idTokenExpected: true });
  const claims = tokens.claims();
  if (feature.endsWith("logout")) {
    const url = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token }).href;
    return leave(url, claims, config.serverMetadata().jwks_uri);
  }
  return { claims, parts: tokens.id_token.split(".").length, person: await client.fetchUserInfo(config, tokens.access_token, claims.sub) };
}

async function withOauth4webapi() {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const more = { ...insecure };
  if (feature.startsWith("encrypted")) {
    more[oauth.jweDecrypt] = async (jwe) => {
      const { plaintext } = await jose.compactDecrypt(jwe, opening.privateKey, { keyManagementAlgorithms: ["ECDH-ES+A128KW"] });
      return new TextDecoder().decode(plaintext);
    };
  }
  const at = new URL(issuer);
  const as = await oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, insecure));
  const me = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, metadata, insecure));
  const authentication = feature === "private_key_jwt"
    ? oauth.PrivateKeyJwt({ key: signing.privateKey, kid: "sig" }) : oauth.ClientSecretBasic(me.client_secret ?? "-");
  const person = async (tokens, sub) => oauth.processUserInfoResponse(
    as, me, sub, await oauth.userInfoRequest(as, me, tokens.access_token, insecure), more);
  if (feature === "device") {
    const begun = await oauth.processDeviceAuthorizationResponse(
      as, me, await oauth.deviceAuthorizationRequest(as, me, authentication, new URLSearchParams({ scope }), insecure));
    tell({ device: begun });
    await heard();
    const response = await oauth.deviceCodeGrantRequest(as, me, authentication, begun.device_code, insecure);
    const tokens = await oauth.processDeviceCodeResponse(as, me, response);
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    return { claims, person: await person(tokens, claims.sub) };
  }
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const where = new URL(as.authorization_endpoint);
  const parameters = { client_id: me.client_id, redirect_uri, response_type, scope, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
  if (feature === "form_post") parameters.response_mode = "form_post";
  if (feature === "implicit") delete parameters.code_challenge, delete parameters.code_challenge_method;
  for (const [name, value] of Object.entries(parameters)) where.searchParams.set(name, value);
  tell({ go: where.href });
  const told = answered(await heard());
  if (feature === "implicit") {
    // oauth4webapi has no implicit flow; a token that comes so is held against the same rules by its hybrid check.
    const token = new URLSearchParams(told.hash.slice(1)).get("id_token");
    const keys = jose.createRemoteJWKSet(new URL(as.jwks_uri));
    const { payload } = await jose.jwtVerify(token, keys, { issuer, audience: me.client_id, typ: "JWT" });
    return { claims: payload, nonce: payload.nonce === nonce };
  }
  const check = feature === "hybrid" ? () => oauth.validateCodeIdTokenResponse(as, me, told, nonce, state, undefined, insecure)
    : async () => oauth.validateAuthResponse(as, me, told instanceof URL ? told : new URLSearchParams(await told.text()), state);
  const response = await oauth.authorizationCodeGrantRequest(as, me, authentication, await check(), redirect_uri, verifier, insecure);
  const tokens = await oauth.processAuthorizationCodeResponse(as, me, response, { expectedNonce: nonce, requireIdToken: true, ...more });
  await oauth.validateApplicationLevelSignature(as, response, insecure).catch((error) => {
    if (!feature.startsWith("encrypted_id")) throw error;
  });
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  if (feature.endsWith("logout")) {
    const out = new URL(as.end_session_endpoint);
    out.searchParams.set("id_token_hint", tokens.id_token);
    return leave(out.href, claims, as.jwks_uri);
  }
  return { claims, parts: tokens.id_token.split(".").length, person: await person(tokens, claims.sub) };
}

try {
  tell({ done: await { "openid-client": withOpenidClient, oauth4webapi: withOauth4webapi }[settings.library]() });
} catch (error) {
  tell({ failed: String(error), error: error.error ?? error.code ?? null, cause: String(error.cause?.message ?? JSON.stringify(error.cause) ?? "") });
}
process.exit(0);
