// @azure/identity, unmodified: it is told steps line by line, `{"do": STEP, …}`, and answers each with a line of JSON.
import readline from "node:readline";
import * as azure from "@azure/identity";

let credential;

// A test does not wait for the seconds between a device's questions.
const later = setTimeout;
globalThis.setTimeout = (done, milliseconds, ...given) => later(done, Math.min(milliseconds, 50), ...given);

function tell(answer) {
  process.stdout.write(JSON.stringify(answer) + "\n");
}

const kinds = {
  secret: ({ tenantId, clientId, secret }, options) =>
    new azure.ClientSecretCredential(tenantId, clientId, secret, options),
  certificate: ({ tenantId, clientId, certificate }, options) =>
    new azure.ClientCertificateCredential(tenantId, clientId, { certificate }, options),
  assertion: ({ tenantId, clientId, assertion }, options) =>
    new azure.ClientAssertionCredential(tenantId, clientId, async () => assertion, options),
  // AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE and AZURE_AUTHORITY_HOST say the rest.
  workload: (_, { disableInstanceDiscovery }) => new azure.WorkloadIdentityCredential({ disableInstanceDiscovery }),
  code: ({ tenantId, clientId, secret, code, redirectUri }, options) =>
    new azure.AuthorizationCodeCredential(tenantId, clientId, secret, code, redirectUri, options),
  device: ({ tenantId, clientId }, options) =>
    new azure.DeviceCodeCredential({ tenantId, clientId, ...options, userPromptCallback: tell }),
};

const steps = {
  // The one switch for a host that is not Microsoft's: disableInstanceDiscovery, beside the host itself.
  async open({ kind, authorityHost, ...given }) {
    credential = kinds[kind](given, { authorityHost, disableInstanceDiscovery: true });
    return {};
  },
  async token({ scopes }) {
    const { token, expiresOnTimestamp } = await credential.getToken(scopes);
    return { token, expiresOnTimestamp };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: step, ...given } = JSON.parse(line);
  try {
    tell(await steps[step](given));
  } catch (error) {
    tell({ failed: error.errorResponse?.error ?? error.name, kind: error.name, message: String(error.message) });
  }
}
