// google-auth-library, unmodified: a workload gets an ID token from the metadata server, and a receiver verifies it.
import { GoogleAuth, OAuth2Client } from "google-auth-library";

const { audience, certificates, issuer } = JSON.parse(process.argv[2]);
const source = await new GoogleAuth().getIdTokenClient(audience);
const headers = await source.getRequestHeaders();
const token = new Headers(headers).get("authorization").slice("Bearer ".length);
const certs = await (await fetch(certificates)).json();
const ticket = await new OAuth2Client().verifySignedJwtWithCertsAsync(token, certs, audience, [issuer]);
process.stdout.write(JSON.stringify(ticket.getPayload()) + "\n");
