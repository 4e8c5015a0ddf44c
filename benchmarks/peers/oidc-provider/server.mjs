// node oidc-provider with its in-memory adapter, set up to do the same work as Intaglio in the benchmark: one
// confidential client, scope openid, RS256, PKCE, consent remembered in the session's grant. With BENCH_HYBRID there is a
// client of the hybrid flow beside it, and introspection and registration are open.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'bench' };

const shared = {
  client_secret: process.env.BENCH_SECRET,
  scope: 'openid',
  id_token_signed_response_alg: 'RS256',
  token_endpoint_auth_method: 'client_secret_basic',
  require_auth_time: true,
};
const hybrid = process.env.BENCH_HYBRID;
const enabled = Boolean(hybrid);

const provider = new Provider(issuer, {
  clients: [{
    ...shared,
    client_id: process.env.BENCH_CLIENT,
    redirect_uris: [process.env.BENCH_CALLBACK],
    grant_types: ['authorization_code'],
    response_types: ['code'],
  }, ...(enabled ? [{
    ...shared,
    client_id: hybrid,
    redirect_uris: [process.env.BENCH_HYBRID_CALLBACK],
    grant_types: ['authorization_code', 'implicit'],
    response_types: ['code id_token'],
  }] : [])],
  jwks: { keys: [jwk] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  features: {
    devInteractions: { enabled: false },
    userinfo: { enabled: true },
    introspection: { enabled },
    registration: { enabled },
    registrationManagement: { enabled },
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { AccessToken: 3600, AuthorizationCode: 60, IdToken: 3600, Grant: 14 * 3600, Session: 14 * 3600, Interaction: 3600 },
});

async function interact(req, res) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(req, res);
  if (prompt.name === 'login') {
    return provider.interactionFinished(req, res, { login: { accountId: 'a2f1d7f0-7c1f-4a62-9d84-8f1b7c1c2d11' } });
  }
  const grant = grantId ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope('openid');
  return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true });
}

const callback = provider.callback();
createServer((req, res) => {
  if (req.url.startsWith('/interaction/')) {
    interact(req, res).catch((error) => { console.error(error); res.statusCode = 500; res.end(); });
  } else {
    callback(req, res);
  }
}).listen(port, '127.0.0.1', () => console.log('ready'));
