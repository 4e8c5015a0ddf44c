// msal-node, unmodified: it is told steps line by line, `{"do": STEP, …}`, and answers each with a line of JSON.
import readline from "node:readline";
import * as msal from "@azure/msal-node";

const pkce = new msal.CryptoProvider();
let app, begun;
let ahead = 0;

// The machine's clock, which a step can put forward.
const Machine = Date;
globalThis.Date = class extends Machine {
  constructor(...given) {
    super(...(given.length ? given : [Machine.now() + ahead * 1000]));
  }
  static now() {
    return Machine.now() + ahead * 1000;
  }
};

// A test does not wait for the seconds between a device's questions.
const later = setTimeout;
globalThis.setTimeout = (done, milliseconds, ...given) => later(done, Math.min(milliseconds, 50), ...given);

function tell(answer) {
  process.stdout.write(JSON.stringify(answer) + "\n");
}

function told(result) {
  if (!result) return { nothing: true };
  const { idToken, accessToken, account, scopes, fromCache, expiresOn, tokenType, tenantId, uniqueId } = result;
  const home = account && { id: account.homeAccountId, username: account.username, tenant: account.tenantId };
  return { idToken, accessToken, account: home, scopes, fromCache, expiresOn, tokenType, tenantId, uniqueId };
}

async function account() {
  const known = await app.getTokenCache().getAllAccounts();
  return known[0];
}

const steps = {
  // The one switch for a host that is not Microsoft's: knownAuthorities.
  async open({ clientId, authority, host, secret, certificate, assertion, oidc = false }) {
    const auth = { clientId, authority, knownAuthorities: [host] };
    if (secret) auth.clientSecret = secret;
    if (certificate) auth.clientCertificate = certificate;
    if (assertion) auth.clientAssertion = async () => assertion;
    const confidential = secret || certificate || assertion;
    const kind = confidential ? msal.ConfidentialClientApplication : msal.PublicClientApplication;
    app = new kind({ auth, system: oidc ? { protocolMode: "OIDC" } : {} });
    return {};
  },
  async begin({ scopes, redirectUri, nonce, state, ...more }) {
    const { verifier, challenge } = await pkce.generatePkceCodes();
    begun = { scopes, redirectUri, codeVerifier: verifier, ...(nonce ? { nonce } : {}), ...(state ? { state } : {}) };
    const asked = { scopes, redirectUri, codeChallenge: challenge, codeChallengeMethod: "S256", nonce, state, ...more };
    return { url: await app.getAuthCodeUrl(asked) };
  },
  async redeem({ answer, nonce }) {
    const request = { ...begun, code: answer.code, ...(nonce ? { nonce } : {}) };
    return told(await app.acquireTokenByCode(request, answer));
  },
  async silent({ scopes, forceRefresh = false }) {
    return told(await app.acquireTokenSilent({ account: await account(), scopes, forceRefresh }));
  },
  async refresh({ scopes, refreshToken }) {
    return told(await app.acquireTokenByRefreshToken({ scopes, refreshToken }));
  },
  // What the library keeps of its tokens, as an application that stores its cache would see it.
  async kept() {
    const cache = JSON.parse(app.getTokenCache().serialize());
    return { refreshTokens: Object.values(cache.RefreshToken ?? {}).map((one) => one.secret) };
  },
  async device({ scopes }) {
    const deviceCodeCallback = ({ message, userCode, verificationUri }) => tell({ message, userCode, verificationUri });
    return told(await app.acquireTokenByDeviceCode({ scopes, deviceCodeCallback }));
  },
  async machine({ scopes }) {
    return told(await app.acquireTokenByClientCredential({ scopes, skipCache: true }));
  },
  // The token of the machine itself, which a variable of the environment leads to.
  async identity({ resource }) {
    return told(await new msal.ManagedIdentityApplication().acquireToken({ resource }));
  },
  async signOut() {
    await app.getTokenCache().removeAccount(await account());
    return { accounts: (await app.getTokenCache().getAllAccounts()).length };
  },
  async clock({ seconds }) {
    ahead += seconds;
    return {};
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: step, ...given } = JSON.parse(line);
  try {
    tell(await steps[step](given));
  } catch (error) {
    const { errorCode, subError, errorMessage, errorNo } = error;
    tell({ failed: errorCode ?? error.name, kind: error.name, subError, errorNo, message: errorMessage ?? String(error) });
  }
}
