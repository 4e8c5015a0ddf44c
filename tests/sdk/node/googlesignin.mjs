// google-auth-library, unmodified: a web application signs a person in, refreshes, verifies, asks, revokes.
// One JSON line in tells the step: {"step": "begin"} gives the address; {"step": "finish", "code": …} does the rest.
import { createInterface } from "node:readline";
import { CodeChallengeMethod, OAuth2Client } from "google-auth-library";

const { issuer, clientId, clientSecret, redirectUri } = JSON.parse(process.argv[2]);
const client = new OAuth2Client({
  clientId,
  clientSecret,
  redirectUri,
  endpoints: {
    oauth2AuthBaseUrl: issuer + "/o/oauth2/v2/auth",
    oauth2TokenUrl: issuer + "/token",
    oauth2RevokeUrl: issuer + "/revoke",
    tokenInfoUrl: issuer + "/tokeninfo",
    oauth2FederatedSignonPemCertsUrl: issuer + "/oauth2/v1/certs",
  },
  issuers: [issuer],
});
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const verified = async (idToken, audience = clientId) =>
  (await client.verifyIdToken({ idToken, audience })).getPayload();
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync();
say({
  url: client.generateAuthUrl({
    access_type: "offline",
    include_granted_scopes: true,
    scope: ["openid", "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/userinfo.profile"],
    state: "a-state",
    code_challenge: codeChallenge,
    code_challenge_method: CodeChallengeMethod.S256,
  }),
});
const { code } = JSON.parse((await lines.next()).value);
const { tokens } = await client.getToken({ code, codeVerifier });
client.setCredentials(tokens);
const first = await verified(tokens.id_token);
const info = await client.getTokenInfo(tokens.access_token);
const { credentials } = await client.refreshAccessToken();
const again = await verified(credentials.id_token);
const userinfo = (await client.request({ url: issuer + "/oauth2/v3/userinfo" })).data;
let refused = "";
try {
  await verified(tokens.id_token, "another");
} catch (error) {
  refused = String(error.message);
}
await client.revokeToken(credentials.refresh_token);
let ended = "";
try {
  await client.refreshAccessToken();
} catch (error) {
  ended = error.response?.data?.error ?? String(error.message);
}
say({ first, again, userinfo, info, refused, ended, scope: tokens.scope, kept: credentials.refresh_token === tokens.refresh_token });
process.exit(0);
