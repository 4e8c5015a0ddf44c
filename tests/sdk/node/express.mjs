// express-openid-connect, unmodified: web applications over https that are told to start line by line,
// `{"do": "open", …}`, and answer each with a line of JSON that says where they are.
import { readFileSync } from "node:fs";
import https from "node:https";
import readline from "node:readline";
import express from "express";
import oidc from "express-openid-connect";

const { attemptSilentLogin, auth, requiresAuth } = oidc;

function shown(res, value) {
  const text = JSON.stringify(value).replaceAll("<", "\\u003c");
  const page = `<!doctype html><title>application</title><link rel="icon" href="data:,"><pre id="rp-done">${text}</pre>`;
  res.send(page);
}

function application(config) {
  const app = express();
  app.use(auth({ authRequired: false, idpLogout: true, secret: "a-secret-of-the-session-cookie-only", ...config }));
  app.get("/", (req, res) => shown(res, { signedIn: req.oidc.isAuthenticated() }));
  app.get("/silent", attemptSilentLogin(), (req, res) => shown(res, { signedIn: req.oidc.isAuthenticated() }));
  app.get("/profile", requiresAuth(), (req, res) => {
    shown(res, { claims: req.oidc.idTokenClaims, user: req.oidc.user, refreshes: Boolean(req.oidc.refreshToken) });
  });
  app.get("/userinfo", requiresAuth(), async (req, res) => shown(res, await req.oidc.fetchUserInfo()));
  app.get("/refresh", requiresAuth(), async (req, res) => {
    const { access_token, token_type } = await req.oidc.accessToken.refresh();
    shown(res, { token_type, changed: Boolean(access_token), claims: req.oidc.idTokenClaims });
  });
  // Four parameters are what makes this the one that is told of failures.
  app.use((error, req, res, next) => {
    res.status(error.status ?? 500);
    shown(res, { failed: error.error ?? error.message, description: error.error_description });
  });
  return app;
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { chain, key, config } = JSON.parse(line);
  const server = https.createServer({ cert: readFileSync(chain), key: readFileSync(key) });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const origin = `https://localhost:${server.address().port}`;
  server.on("request", application({ ...config, baseURL: origin }));
  process.stdout.write(JSON.stringify({ origin }) + "\n");
}
