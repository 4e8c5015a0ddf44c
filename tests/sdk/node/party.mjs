// A relying party of openid-client, unmodified: it speaks with its test in lines of JSON, and waits for the browser.
import http from "node:http";
import readline from "node:readline";
import * as client from "openid-client";

const settings = JSON.parse(process.argv[2]);
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const insecure = { execute: [client.allowInsecureRequests] };

const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(settings.client_secret),
  client_secret_post: () => client.ClientSecretPost(settings.client_secret),
  none: () => client.None(),
}[settings.auth_method]();

const arrivals = [];
let wake = () => {};
const server = http.createServer((request, response) => {
  if (request.url !== "/favicon.ico") {
    arrivals.push(new URL(request.url, `http://${request.headers.host}`));
    wake();
  }
  response.writeHead(200, { "content-type": "text/html" });
  response.end('<!doctype html><title>application</title><link rel="icon" href="data:,"><p id="rp-done">Here.');
});
await new Promise((done) => server.listen(settings.port, settings.host ?? "127.0.0.1", done));
const origin = `http://${settings.host ?? "127.0.0.1"}:${server.address().port}`;

async function arrival() {
  while (arrivals.length === 0) await new Promise((done) => { wake = done; });
  return arrivals.shift();
}

const config = await client.discovery(new URL(settings.issuer), settings.client_id, undefined, authentication, insecure);
const redirect_uri = origin + settings.path;
const code_verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const parameters = { redirect_uri, scope: "openid profile email offline_access", state, nonce };
if (settings.pkce) {
  parameters.code_challenge = await client.calculatePKCECodeChallenge(code_verifier);
  parameters.code_challenge_method = "S256";
}
tell({ go: client.buildAuthorizationUrl(config, parameters).href });

const checks = { expectedState: state, expectedNonce: nonce, idTokenExpected: true, maxAge: 600 };
if (settings.pkce) checks.pkceCodeVerifier = code_verifier;
const first = await client.authorizationCodeGrant(config, await arrival(), checks);
const { sub } = first.claims();
const person = await client.fetchUserInfo(config, first.access_token, sub);
const second = await client.refreshTokenGrant(config, first.refresh_token);
const confidential = settings.auth_method !== "none";
const before = confidential ? await client.tokenIntrospection(config, second.access_token) : null;
await client.tokenRevocation(config, second.refresh_token);
const after = confidential ? await client.tokenIntrospection(config, second.access_token) : null;
let refused = null;
try {
  await client.refreshTokenGrant(config, second.refresh_token);
} catch (error) {
  refused = error.error;
}
tell({ claims: first.claims(), refreshed: second.claims(), rotated: first.refresh_token !== second.refresh_token,
  person, before, after, refused, expires_in: first.expires_in });

const leaving = { id_token_hint: second.id_token, post_logout_redirect_uri: origin + settings.after, state: "bye" };
tell({ go: client.buildEndSessionUrl(config, leaving).href });
const left = await arrival();
tell({ left: left.pathname, state: left.searchParams.get("state") });
server.close();
server.closeAllConnections();
