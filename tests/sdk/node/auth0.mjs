// node-auth0, unmodified: it is told steps line by line, `{"do": STEP, …}`, and answers each with a line of JSON.
import readline from "node:readline";
import { AuthenticationClient, ManagementClient, UserInfoClient } from "auth0";

let given, app;

function tell(answer) {
  process.stdout.write(JSON.stringify(answer) + "\n");
}

function told({ data }) {
  const { id_token, access_token, refresh_token, expires_in, scope, token_type } = data;
  return {
    idToken: id_token,
    accessToken: access_token,
    refreshToken: refresh_token,
    expiresIn: expires_in,
    scope,
    type: token_type,
  };
}

// What the library verifies is the answer of the token endpoint: here that answer is made, and nothing else.
function answering(token) {
  const body = { access_token: "x", token_type: "Bearer", expires_in: 60, id_token: token };
  const fetch = async () => new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
  return new AuthenticationClient({ ...given, fetch });
}

const steps = {
  async open({ domain, clientId, secret, key }) {
    given = { domain, clientId };
    if (secret) given.clientSecret = secret;
    if (key) given.clientAssertionSigningKey = key;
    app = new AuthenticationClient(given);
    return {};
  },
  async redeem({ code, redirectUri, verifier, nonce, maxAge, organization }) {
    const options = { idTokenValidateOptions: { nonce, maxAge, organization } };
    const body = { code, redirect_uri: redirectUri };
    if (!verifier) return told(await app.oauth.authorizationCodeGrant(body, options));
    return told(await app.oauth.authorizationCodeGrantWithPKCE({ ...body, code_verifier: verifier }, options));
  },
  async refresh({ refreshToken, scope }) {
    return told(await app.oauth.refreshTokenGrant({ refresh_token: refreshToken, ...(scope ? { scope } : {}) }));
  },
  async revoke({ refreshToken }) {
    return { status: (await app.oauth.revokeRefreshToken({ token: refreshToken })).status };
  },
  async machine({ audience }) {
    return told(await app.oauth.clientCredentialsGrant({ audience }));
  },
  async userinfo({ accessToken }) {
    return (await new UserInfoClient({ domain: given.domain }).getUserInfo(accessToken)).data;
  },
  async lifetime({ client, seconds }) {
    const api = new ManagementClient({ ...given, maxRetries: 0 });
    const before = await api.clients.get(client);
    const after = await api.clients.update(client, { jwt_configuration: { lifetime_in_seconds: seconds } });
    const again = await api.clients.get(client);
    return { name: before.name, lifetimes: [before, after, again].map((one) => one.jwt_configuration.lifetime_in_seconds) };
  },
  async verify({ cases }) {
    const said = [];
    for (const { token, ...asked } of cases) {
      try {
        await answering(token).oauth.authorizationCodeGrant({ code: "x" }, { idTokenValidateOptions: asked });
        said.push(null);
      } catch (error) {
        said.push(error.message);
      }
    }
    return { said };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: step, ...asked } = JSON.parse(line);
  try {
    tell(await steps[step](asked));
  } catch (error) {
    const { name, message, statusCode, errorCode } = error;
    tell({ failed: error.error ?? errorCode ?? name, kind: name, message, status: statusCode, body: error.body });
  }
}
