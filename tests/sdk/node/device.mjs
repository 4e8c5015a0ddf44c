// Devices of openid-client and of oauth4webapi, unmodified: they show their person a code and poll until it is decided.
import * as oauth from "oauth4webapi";
import * as client from "openid-client";

const settings = JSON.parse(process.argv[2]);
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const scope = settings.scope;

async function withOpenidClient() {
  const insecure = { execute: [client.allowInsecureRequests] };
  const config = await client.discovery(new URL(settings.issuer), "tv", undefined, client.None(), insecure);
  const begun = await client.initiateDeviceAuthorization(config, { scope });
  tell({ begun });
  let tokens;
  try {
    tokens = await client.pollDeviceAuthorizationGrant(config, begun);
  } catch (error) {
    return { refused: error.error ?? error.code };
  }
  const claims = tokens.claims();
  const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  const again = await client.refreshTokenGrant(config, tokens.refresh_token);
  return { claims, person, refreshed: again.claims() };
}

async function withOauth4webapi() {
  const issuer = new URL(settings.issuer);
  const insecure = { [oauth.allowInsecureRequests]: true };
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  const tv = { client_id: "tv" };
  const parameters = new URLSearchParams({ scope });
  const asked = await oauth.deviceAuthorizationRequest(as, tv, oauth.None(), parameters, insecure);
  const begun = await oauth.processDeviceAuthorizationResponse(as, tv, asked);
  tell({ begun });
  const errors = [];
  for (;;) {
    const polled = await oauth.deviceCodeGrantRequest(as, tv, oauth.None(), begun.device_code, insecure);
    try {
      const tokens = await oauth.processDeviceCodeResponse(as, tv, polled);
      const told = await oauth.userInfoRequest(as, tv, tokens.access_token, insecure);
      const claims = oauth.getValidatedIdTokenClaims(tokens);
      return { claims, person: await oauth.processUserInfoResponse(as, tv, claims.sub, told), errors };
    } catch (error) {
      errors.push(error.error);
      if (!["authorization_pending", "slow_down"].includes(error.error)) return { refused: error.error, errors };
    }
    await new Promise((done) => setTimeout(done, 1000 * settings.patience));
  }
}

tell(await { "openid-client": withOpenidClient, oauth4webapi: withOauth4webapi }[settings.library]());
