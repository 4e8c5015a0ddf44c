// google-auth-library, unmodified, one flow a run: `google.mjs FLOW '{"parameter": …}'`; the answer is a line of JSON.
import readline from "node:readline";
import * as metadata from "gcp-metadata";
import { GoogleAuth, Impersonated, OAuth2Client } from "google-auth-library";

const PLATFORM = "https://www.googleapis.com/auth/cloud-platform";
const IDENTITY = "service-accounts/default/identity";
const IAP = "https://cloud.google.com/iap";

async function source() {
  return new GoogleAuth({ scopes: [PLATFORM] }).getClient();
}

async function impersonated({ target, delegates = [], lifetime = 3600 }) {
  const sourceClient = await source();
  return new Impersonated({ sourceClient, targetPrincipal: target, targetScopes: [PLATFORM], delegates, lifetime });
}

async function believed(client, how, { token, audience }) {
  if (how === "iap") {
    const { pubkeys } = await client.getIapPublicKeys();
    return client.verifySignedJwtWithCertsAsync(token, pubkeys, audience, [IAP]);
  }
  return client.verifyIdToken({ idToken: token, audience });
}

const flows = {
  async identity({ audience, format = "full", licenses = false }) {
    if (format === "full" && !licenses) {
      const client = await new GoogleAuth().getIdTokenClient(audience);
      return { token: await client.idTokenProvider.fetchIdToken(audience) };
    }
    const params = { audience, format, ...(licenses ? { licenses: "TRUE" } : {}) };
    return { token: await metadata.instance({ property: IDENTITY, params }) };
  },
  async access() {
    const auth = new GoogleAuth({ scopes: [PLATFORM] });
    const client = await auth.getClient();
    const { token } = await client.getAccessToken();
    // The library itself does not ask for the universe; the package that it reads metadata with does.
    const universe = process.env.GOOGLE_APPLICATION_CREDENTIALS ? "" : await metadata.universe("universe-domain");
    return { token, universe, expiry: new Date(client.credentials.expiry_date) };
  },
  async impersonate(asked) {
    const client = await impersonated(asked);
    return { token: await client.fetchIdToken(asked.audience, { includeEmail: asked.include_email ?? false }) };
  },
  async impersonate_access(asked) {
    const client = await impersonated(asked);
    const { token } = await client.getAccessToken();
    return { token, expiry: new Date(client.credentials.expiry_date) };
  },
  async sign(asked) {
    const client = await impersonated(asked);
    const { signedBlob } = await client.sign(asked.text);
    return { signature: Buffer.from(signedBlob, "base64").toString("hex") };
  },
  async key({ file, audience }) {
    const client = await new GoogleAuth({ keyFilename: file }).getIdTokenClient(audience);
    return { token: await client.idTokenProvider.fetchIdToken(audience) };
  },
  async key_access({ file }) {
    const client = await new GoogleAuth({ keyFilename: file, scopes: [PLATFORM] }).getClient();
    const { token } = await client.getAccessToken();
    return { token };
  },
  // Verifies one token a line, in one process.
  async verify({ how }) {
    const client = new OAuth2Client();
    for await (const line of readline.createInterface({ input: process.stdin })) {
      try {
        tell({ claims: (await believed(client, how, JSON.parse(line))).getPayload() });
      } catch (error) {
        tell({ refused: String(error) });
      }
    }
  },
};

function tell(answer) {
  process.stdout.write(JSON.stringify(answer) + "\n");
}

const told = await flows[process.argv[2]](JSON.parse(process.argv[3]));
if (told) tell(told);
