// Judges a logout token as a relying party does (OpenID Connect Back-Channel Logout 1.0 section 2.6), with jose.
import { createLocalJWKSet, jwtVerify } from "jose";

const { token, keys, issuer, audience, now } = JSON.parse(process.argv[2]);
const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys), {
  issuer,
  audience,
  typ: "logout+jwt",
  requiredClaims: ["iat", "exp", "jti", "events"],
  maxTokenAge: 120,
  currentDate: new Date(now * 1000),
});
console.log(JSON.stringify({ payload, protectedHeader }));
