// gcp-metadata and google-auth-library, unmodified: what a workload finds out about the machine that it runs on.
import metadata from "gcp-metadata";
import { GoogleAuth } from "google-auth-library";

const auth = new GoogleAuth();
const first = await auth.getAccessToken();
const client = await auth.getClient();
const again = await new GoogleAuth().getAccessToken();
const told = {
  available: await metadata.isAvailable(),
  project: await metadata.project("project-id"),
  email: await metadata.instance("service-accounts/default/email"),
  scopes: await metadata.instance("service-accounts/default/scopes"),
  universe: await metadata.universe("universe-domain"),
  whole: await metadata.instance({ property: "service-accounts/", params: { recursive: "true" } }),
  same: first === again,
  left: Math.round((client.credentials.expiry_date - Date.now()) / 1000),
};
process.stdout.write(JSON.stringify(told) + "\n");
