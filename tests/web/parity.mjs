// Runs cases through the inspector's engine and returns what it says, as plain JSON; in a browser, or in Node by hand.

const answers = {
  async check({ engine }, { token, expectation, keys, decryption, now, occasion, skew }) {
    const known = keys === null ? null : engine.readKeySet(keys);
    const expected = { ...expectation, decryption: decryption === null ? null : await engine.readDecryptionKeys(decryption) };
    const report = await engine.check(token, expected, known, now, occasion, skew);
    return { report, text: engine.toText(report) };
  },

  peek({ engine, json }, { token }) {
    const seen = engine.peek(token);
    const [header, payload] = [seen.header, seen.payload].map((part) => part && json.encodeJson(part));
    return { ...seen, header, payload };
  },

  async jws({ engine, keys: choosing, jws }, { token, keys, algorithms }) {
    const set = engine.readKeySet(keys);
    const parts = jws.read(token);
    const alg = jws.allow(parts.header, algorithms);
    let unable = false;
    for (const key of choosing.candidates(parts.header, set)) {
      try {
        if (await jws.isSignedBy(key, alg, parts)) return { payload: Array.from(parts.payload) };
      } catch (fault) {
        if (!(fault instanceof engine.Unable)) throw fault;
        unable = true;
      }
    }
    if (unable) throw new engine.Unable(alg);
    throw new engine.Refused("signature-invalid");
  },

  async jwe({ engine }, { token, keys }) {
    const { skipped, ...set } = await engine.readDecryptionKeys(keys);
    const { plaintext, alg, enc } = await engine.decrypt(token, set);
    return { plaintext: Array.from(plaintext), alg, enc, skipped };
  },

  keys({ engine }, { keys }) {
    const found = engine.readKeySet(keys);
    return { kids: found.keys.map(({ kid }) => kid), usable: found.keys.map(({ usable }) => [...usable].sort()), skipped: found.skipped };
  },

  async decryption({ engine }, { keys }) {
    const found = await engine.readDecryptionKeys(keys);
    return { kids: found.keys.map(({ kid }) => kid), usable: found.keys.map(({ usable }) => [...usable].sort()), skipped: found.skipped };
  },

  json({ json }, { octets }) {
    return { json: json.encodeJson(json.decodeJson(Uint8Array.from(octets))) };
  },

  discovery({ engine }, { issuer, dialect }) {
    return { uri: engine.discoveryUri(issuer, dialect) };
  },

  guess({ engine }, { payload }) {
    return { dialect: engine.guessDialect(null, payload) };
  },

  tables({ engine }) {
    const meanings = Object.fromEntries(engine.dialects.flatMap(({ name }) => [[name, engine.rules(name)]]));
    return { dialects: engine.dialects, rules: meanings, instants: engine.instants };
  },

  meaning({ engine }, { claim }) {
    return { meanings: engine.meaning(claim) };
  },
};

async function answer(modules, given) {
  try {
    return await answers[given.kind](modules, given);
  } catch (fault) {
    const { engine, codec } = modules;
    if (fault instanceof engine.Unable) return { unable: fault.message };
    if (fault instanceof codec.CodecError) return { fault: fault.message };
    if (fault instanceof engine.Refused) return { code: fault.code, detail: fault.detail, hint: fault.hint };
    return { crash: `${fault.name}: ${fault.message} ${fault.stack}` };
  }
}

export async function run(base, cases) {
  const names = ["engine", "codec", "json", "keys", "jws"];
  const loaded = await Promise.all(names.map((name) => import(`${base}/${name}.js`)));
  const modules = Object.fromEntries(names.map((name, at) => [name, loaded[at]]));
  const told = [];
  for (const given of cases) told.push(await answer(modules, given));
  return told;
}
