// A relying party of openid-client, unmodified, that has its ID token and UserInfo encrypted to a key of its own. It
// tells the key that it makes, then speaks with its test in lines of JSON and waits for the browser.
import http from "node:http";
import * as jose from "jose";
import * as client from "openid-client";

const settings = JSON.parse(process.argv[2]);
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const insecure = { execute: [client.allowInsecureRequests] };
const curve = settings.alg.startsWith("ECDH") ? { crv: "P-256" } : {};
const { publicKey, privateKey } = await jose.generateKeyPair(settings.alg, { ...curve, extractable: true });
tell({ ...(await jose.exportJWK(publicKey)), kid: "of-node", use: "enc", alg: settings.alg });
// The test has registered the key when it says so.
await new Promise((done) => process.stdin.once("data", done));
process.stdin.destroy();

let wake;
const arrived = new Promise((done) => { wake = done; });
const server = http.createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/html" });
  response.end('<!doctype html><title>application</title><link rel="icon" href="data:,"><p id="rp-done">Here.');
  if (request.url.startsWith("/cb")) wake(new URL(request.url, `http://${request.headers.host}`));
});
await new Promise((done) => server.listen(9999, "127.0.0.1", done));

const authentication = client.ClientSecretBasic("web-secret");
const config = await client.discovery(new URL(settings.issuer), "web", undefined, authentication, insecure);
client.enableDecryptingResponses(config, [settings.enc], { key: privateKey, alg: settings.alg, kid: "of-node" });
const state = client.randomState();
const nonce = client.randomNonce();
const parameters = { redirect_uri: "http://127.0.0.1:9999/cb", scope: "openid profile email", state, nonce };
tell({ go: client.buildAuthorizationUrl(config, parameters).href });

const checks = { expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(config, await arrived, checks);
const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
tell({ parts: tokens.id_token.split(".").length, claims: tokens.claims(), person });
server.close();
server.closeAllConnections();
