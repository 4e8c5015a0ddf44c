// Node's jose, asked over a pipe: a line of JSON names the work and how often, the answer is what it took in seconds.
import { createInterface } from 'node:readline';
import * as jose from 'jose';

const work = {};

async function validating({ name, token, jwk, alg, issuer, audience, nonce, leeway }) {
  const key = await jose.importJWK(jwk, alg);
  const options = {
    algorithms: [alg], issuer, audience, clockTolerance: leeway, requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
  };
  work[name] = async () => {
    const { payload } = await jose.jwtVerify(token, key, options);
    if (payload.nonce !== nonce || payload.iat > Date.now() / 1000 + leeway) throw new Error('refused');
  };
}

async function encrypting({ name, payload, jwk, alg, enc }) {
  const { d, p, q, dp, dq, qi, ...half } = jwk;
  const [key, recipient] = [await jose.importJWK(jwk, alg), await jose.importJWK(half, alg)];
  const octets = new TextEncoder().encode(payload);
  const options = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc] };
  const seal = () => new jose.CompactEncrypt(octets).setProtectedHeader({ alg, enc, cty: 'JWT' }).encrypt(recipient);
  const sealed = await seal();
  work[`encrypt ${name}`] = seal;
  work[`decrypt ${name}`] = () => jose.compactDecrypt(sealed, key, options);
}

async function minting({ name, claims, jwk, alg }) {
  const key = await jose.importJWK(jwk, alg);
  work[name] = () => new jose.SignJWT(claims).setProtectedHeader({ alg, kid: 'k'.repeat(43), typ: 'JWT' }).sign(key);
}

const kinds = { validating, encrypting, minting };

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (asked.kind) {
    await kinds[asked.kind](asked);
    console.log('{}');
    continue;
  }
  const run = work[asked.run];
  const began = process.hrtime.bigint();
  for (let n = 0; n < asked.count; n++) await run();
  console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - began) / 1e9 }));
}
