// An example: a token made and signed in this browser a moment ago, with its key set, so that there is all to look at.

const ISSUER = "https://issuer.example";
const AUDIENCE = "my-client";
const writer = new TextEncoder();

const encoded = (octets) => btoa(String.fromCharCode(...new Uint8Array(octets))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const json = (value) => encoded(writer.encode(JSON.stringify(value)));
const random = (size) => encoded(crypto.getRandomValues(new Uint8Array(size)));

// {token, jwks, issuer, audience, nonce, access_token}
export async function example(now) {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const [kid, nonce, accessToken] = [random(9), random(16), random(24)];
  const digest = await crypto.subtle.digest("SHA-256", writer.encode(accessToken));
  const claims = {
    iss: ISSUER, sub: random(12), aud: AUDIENCE, exp: now + 3600, iat: now - 4, auth_time: now - 9, nonce,
    at_hash: encoded(digest.slice(0, 16)), amr: ["pwd", "otp"], sid: random(12), name: "Ada Lovelace", email: "ada@example.com", email_verified: true,
  };
  const signed = `${json({ alg: "ES256", kid, typ: "JWT" })}.${json(claims)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, writer.encode(signed));
  const jwks = JSON.stringify({ keys: [{ kty, crv, x, y, kid, alg: "ES256", use: "sig" }] }, null, 2);
  return { token: `${signed}.${encoded(signature)}`, jwks, issuer: ISSUER, audience: AUDIENCE, nonce, access_token: accessToken };
}
