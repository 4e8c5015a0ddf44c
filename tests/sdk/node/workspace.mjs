// openid-client, unmodified, with a workspace of Cloudentity's form: it is told steps line by line, `{"do": STEP, …}`,
// and answers each with a line of JSON.
import readline from "node:readline";
import * as jose from "jose";
import * as client from "openid-client";

let config, begun, own;

function tell(answer) {
  process.stdout.write(JSON.stringify(answer) + "\n");
}

function told(tokens) {
  const { id_token, access_token, refresh_token, token_type, scope, expires_in } = tokens;
  const answer = { claims: tokens.claims(), idToken: id_token, accessToken: access_token, refreshToken: refresh_token };
  return { ...answer, type: token_type, scope, expiresIn: expires_in };
}

const methods = {
  client_secret_basic: (secret) => client.ClientSecretBasic(secret),
  client_secret_post: (secret) => client.ClientSecretPost(secret),
  client_secret_jwt: (secret) => client.ClientSecretJwt(secret),
  private_key_jwt: () => client.PrivateKeyJwt({ key: own.privateKey, kid: "own" }),
  none: () => client.None(),
};
const flows = { "code id_token": client.useCodeIdTokenResponseType, id_token: client.useIdTokenResponseType };

const steps = {
  async key({ alg, use }) {
    own = await jose.generateKeyPair(alg, { extractable: true });
    return { jwk: { ...(await jose.exportJWK(own.publicKey)), kid: "own", alg, use } };
  },
  async open({ issuer, clientId, secret, method, responseType, decrypt }) {
    const execute = flows[responseType] ? [flows[responseType]] : [];
    const metadata = { id_token_signed_response_alg: "ES256" };
    config = await client.discovery(new URL(issuer), clientId, metadata, methods[method](secret), { execute });
    if (decrypt) {
      client.enableDecryptingResponses(config, [decrypt.enc], { key: own.privateKey, alg: decrypt.alg, kid: "own" });
    }
    return {};
  },
  async begin({ redirectUri, scope, pushed, signed, ...more }) {
    begun = { expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true };
    begun.pkceCodeVerifier = client.randomPKCECodeVerifier();
    const parameters = {
      redirect_uri: redirectUri,
      scope,
      state: begun.expectedState,
      nonce: begun.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(begun.pkceCodeVerifier),
      code_challenge_method: "S256",
      ...more,
    };
    if (signed) {
      return { url: (await client.buildAuthorizationUrlWithJAR(config, parameters, { key: own.privateKey, kid: "own" })).href };
    }
    if (pushed) return { url: (await client.buildAuthorizationUrlWithPAR(config, parameters)).href };
    return { url: client.buildAuthorizationUrl(config, parameters).href };
  },
  async finish({ url, form, redirectUri }) {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const body = form && new URLSearchParams(form).toString();
    const at = form ? new Request(redirectUri, { method: "POST", headers, body }) : new URL(url);
    return told(await client.authorizationCodeGrant(config, at, begun));
  },
  async implicit({ url }) {
    const { expectedNonce, expectedState } = begun;
    return { claims: await client.implicitAuthentication(config, new URL(url), expectedNonce, { expectedState }) };
  },
  async refresh({ refreshToken }) {
    return told(await client.refreshTokenGrant(config, refreshToken));
  },
  async userinfo({ accessToken, sub }) {
    return client.fetchUserInfo(config, accessToken, sub);
  },
  async machine({ scope }) {
    const { access_token, token_type } = await client.clientCredentialsGrant(config, { scope });
    return { accessToken: access_token, type: token_type };
  },
  async introspect({ token }) {
    return client.tokenIntrospection(config, token);
  },
  async revoke({ token }) {
    await client.tokenRevocation(config, token);
    return {};
  },
  // The answer comes when the person has decided.
  async device({ scope }) {
    const started = await client.initiateDeviceAuthorization(config, { scope });
    tell({ started });
    return told(await client.pollDeviceAuthorizationGrant(config, { ...started, interval: 1 }));
  },
  async leave({ idToken, redirectUri }) {
    const leaving = { id_token_hint: idToken, post_logout_redirect_uri: redirectUri, state: "bye" };
    return { url: client.buildEndSessionUrl(config, leaving).href };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: step, ...given } = JSON.parse(line);
  try {
    tell(await steps[step](given));
  } catch (error) {
    const { name, message, code, status } = error;
    const description = error.error_description ?? error.cause?.error_description;
    tell({ failed: error.error ?? error.cause?.error ?? code ?? name, message, description, status, cause: String(error.cause) });
  }
}
