// openid-client and oauth4webapi, unmodified: they register themselves, and prove themselves by assertions.
import http from "node:http";
import * as client from "openid-client";
import * as oauth from "oauth4webapi";

const settings = JSON.parse(process.argv[2]);
const issuer = new URL(settings.issuer);
const insecure = { execute: [client.allowInsecureRequests] };
const told = {};

const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
const jwks = { keys: [{ kty, crv, x, y, kid: "one", alg: "ES256", use: "sig" }] };
const server = http.createServer((request, response) => {
  told.fetched = (told.fetched ?? 0) + 1;
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(jwks));
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const jwks_uri = `http://127.0.0.1:${server.address().port}/jwks`;

const machine = { redirect_uris: [], grant_types: ["client_credentials"], response_types: [] };
const register = (metadata, authentication) =>
  client.dynamicClientRegistration(issuer, { ...machine, ...metadata }, authentication, {
    initialAccessToken: settings.token,
    ...insecure,
  });

// openid-client: a key pair at an address, and a secret that signs.
const byKey = await register(
  { token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256", jwks_uri },
  client.PrivateKeyJwt({ key: pair.privateKey, kid: "one" }),
);
told.privateKey = (await client.clientCredentialsGrant(byKey)).token_type;
told.again = (await client.clientCredentialsGrant(byKey)).token_type;
const introspected = await client.tokenIntrospection(byKey, (await client.clientCredentialsGrant(byKey)).access_token);
told.active = introspected.active;
const bySecret = await register({ token_endpoint_auth_method: "client_secret_jwt" });
const { client_id, client_secret } = bySecret.clientMetadata();
const signing = await client.discovery(issuer, client_id, undefined, client.ClientSecretJwt(client_secret), insecure);
told.secret = (await client.clientCredentialsGrant(signing)).token_type;

// oauth4webapi: the same, with keys by value, and its own management of what it registered.
const loose = { [oauth.allowInsecureRequests]: true };
const as = await oauth
  .discoveryRequest(issuer, loose)
  .then((response) => oauth.processDiscoveryResponse(issuer, response));
const answer = await oauth.dynamicClientRegistrationRequest(
  as,
  { ...machine, token_endpoint_auth_method: "private_key_jwt", jwks, client_name: "Web API" },
  { initialAccessToken: settings.token, ...loose },
);
const made = await oauth.processDynamicClientRegistrationResponse(answer);
const grant = async (authentication) => {
  const response = await oauth.clientCredentialsGrantRequest(as, made, authentication, {}, loose);
  return oauth.processClientCredentialsResponse(as, made, response);
};
told.web = (await grant(oauth.PrivateKeyJwt({ key: pair.privateKey, kid: "one" }))).token_type;
const other = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
told.refused = await grant(oauth.PrivateKeyJwt({ key: other.privateKey, kid: "one" })).catch((error) => error.error ?? error.status);

const managing = { authorization: `Bearer ${made.registration_access_token}` };
const read = await (await fetch(made.registration_client_uri, { headers: managing })).json();
told.read = read.client_name;
const replaced = await fetch(made.registration_client_uri, {
  method: "PUT",
  headers: { ...managing, "content-type": "application/json" },
  body: JSON.stringify({ ...machine, client_id: made.client_id, client_name: "Changed", jwks, token_endpoint_auth_method: "private_key_jwt" }),
});
told.replaced = (await replaced.json()).client_name;
told.deleted = (await fetch(made.registration_client_uri, { method: "DELETE", headers: managing })).status;
told.gone = await grant(oauth.PrivateKeyJwt({ key: pair.privateKey, kid: "one" })).catch((error) => error.error ?? error.status);
try {
  await client.dynamicClientRegistration(issuer, machine, undefined, { initialAccessToken: "wrong", ...insecure });
} catch (error) {
  told.stranger = error.error ?? error.cause?.[0]?.parameters?.error ?? error.code;
}
server.close();
process.stdout.write(JSON.stringify(told) + "\n");
