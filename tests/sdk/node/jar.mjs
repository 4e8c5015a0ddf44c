// openid-client, unmodified: makes a key, and the address of a request that is signed with it.
import * as client from "openid-client";

const settings = JSON.parse(process.argv[2]);
const algorithms = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  PS256: { name: "RSA-PSS", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  Ed25519: { name: "Ed25519" },
};
const pair = await crypto.subtle.generateKey(algorithms[settings.alg], true, ["sign", "verify"]);
const config = new client.Configuration(settings.metadata, settings.client_id, { [client.clockSkew]: settings.skew });
client.allowInsecureRequests(config);
const url = await client.buildAuthorizationUrlWithJAR(config, settings.parameters, { key: pair.privateKey, kid: "own" });
const { kty, n, e, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
process.stdout.write(JSON.stringify({ url: url.href, key: { kty, n, e, crv, x, y, kid: "own", use: "sig" } }) + "\n");
