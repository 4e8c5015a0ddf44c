// openid-client and oauth4webapi, unmodified: tokens through the browser. Lines of JSON with the test, one a step:
// where the browser is to go, then where it ended up (an address with a fragment, or the fields of a form).
import readline from "node:readline";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";

const settings = JSON.parse(process.argv[2]);
const { issuer, client_id, redirect_uri } = settings;
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");

async function landed() {
  const { url, form } = JSON.parse((await lines.next()).value);
  if (!form) return new URL(url);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return new Request(redirect_uri, { method: "POST", headers, body: new URLSearchParams(form).toString() });
}

async function attempt(act) {
  try {
    return { claims: await act() };
  } catch (error) {
    const cause = error.cause?.claim ?? error.cause?.cause?.claim ?? "";
    return { refused: error.error ?? error.code ?? error.message, cause: String(cause) };
  }
}

function spoilt(url, name) {
  const fields = new URLSearchParams(url.hash.slice(1));
  fields.set(name, "A" + fields.get(name).slice(1) + "A");
  const other = new URL(url);
  other.hash = fields.toString();
  return other;
}

async function withOpenidClient() {
  const execute = [client.allowInsecureRequests, settings.implicit ? client.useIdTokenResponseType : client.useCodeIdTokenResponseType];
  if (settings.detached) execute.push(client.enableDetachedSignatureResponseChecks);
  const config = await client.discovery(new URL(issuer), client_id, undefined, client.None(), { execute });
  const code_verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const parameters = { redirect_uri, scope: "openid email", state, nonce };
  if (settings.response_mode) parameters.response_mode = settings.response_mode;
  if (!settings.implicit) {
    parameters.code_challenge = await client.calculatePKCECodeChallenge(code_verifier);
    parameters.code_challenge_method = "S256";
  }
  tell({ go: client.buildAuthorizationUrl(config, parameters).href });
  const at = await landed();
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: code_verifier };
  const finish = async (url, expected = nonce) => {
    if (settings.implicit) return client.implicitAuthentication(config, url, expected, { expectedState: state });
    const tokens = await client.authorizationCodeGrant(config, url, { ...checks, expectedNonce: expected });
    return { ...tokens.claims(), person: await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub) };
  };
  const wrong = {};
  if (at instanceof URL) {
    if (!settings.implicit) wrong.code = await attempt(() => finish(spoilt(at, "code")));
    wrong.iss = await attempt(() => finish(spoilt(at, "iss")));
    wrong.id_token = await attempt(() => finish(spoilt(at, "id_token")));
    wrong.nonce = await attempt(() => finish(at, "another nonce"));
  }
  tell({ believed: await attempt(() => finish(at)), wrong });
}

async function withOauth4webapi() {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const found = await oauth.discoveryRequest(new URL(issuer), { ...insecure });
  const as = await oauth.processDiscoveryResponse(new URL(issuer), found);
  const me = { client_id };
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const where = new URL(as.authorization_endpoint);
  const parameters = { client_id, redirect_uri, response_type: "code id_token", scope: "openid email", state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
  for (const [name, value] of Object.entries(parameters)) where.searchParams.set(name, value);
  tell({ go: where.href });
  const at = await landed();
  const check = settings.detached ? oauth.validateDetachedSignatureResponse : oauth.validateCodeIdTokenResponse;
  const finish = async (url, expected = state) => {
    const front = await check(as, me, url, nonce, expected, undefined, insecure);
    const response = await oauth.authorizationCodeGrantRequest(as, me, oauth.None(), front, redirect_uri, verifier, insecure);
    const result = await oauth.processAuthorizationCodeResponse(as, me, response, { expectedNonce: nonce, requireIdToken: true });
    return oauth.getValidatedIdTokenClaims(result);
  };
  const wrong = { code: await attempt(() => finish(spoilt(at, "code"))), iss: await attempt(() => finish(spoilt(at, "iss"))),
    state: await attempt(() => finish(spoilt(at, "state"))), id_token: await attempt(() => finish(spoilt(at, "id_token"))) };
  tell({ believed: await attempt(() => finish(at)), wrong });
}

await (settings.library === "oauth4webapi" ? withOauth4webapi() : withOpenidClient());
process.exit(0);
