// openid-client, unmodified: a machine gets an access token with its own credentials and asks what it is worth.
import * as client from "openid-client";

const settings = JSON.parse(process.argv[2]);
const insecure = { execute: [client.allowInsecureRequests] };
const config = await client.discovery(new URL(settings.issuer), "machine", "machine-secret", undefined, insecure);
const tokens = await client.clientCredentialsGrant(config, { scope: "reports:read" });
const told = await client.tokenIntrospection(config, tokens.access_token);
process.stdout.write(JSON.stringify({ scope: tokens.scope, told }) + "\n");
