// Runs the frame's script outside a browser and holds its answers against Node's own SHA-256.
import crypto from "node:crypto";
import fs from "node:fs";

let ask;
const window = { addEventListener: (_, listener) => (ask = listener) };
const document = { documentElement: { getAttribute: () => "kept" }, cookie: "a=b; kept=STATE; kept2=x" };
new Function("document", "window", fs.readFileSync(process.argv[2], "utf8"))(document, window);

const answer = (data, origin, source = {}) => {
  let got = "nothing";
  ask({ data, origin, source: source && { ...source, postMessage: (text, target) => (got = [text, target]) } });
  return got;
};

let counted = 0;
const wrong = [];
const expect = (got, word, origin) => {
  counted += 1;
  if (got[0] !== word || got[1] !== origin) wrong.push([got, word]);
};
for (let n = 1; n <= 255; n += 1) {
  const client = "c".repeat(n), origin = `https://rp.example:${n}`, salt = "s".repeat(1 + (n % 64));
  const hash = crypto.createHash("sha256").update(`${client} ${origin} STATE ${salt}`).digest("base64url");
  expect(answer(`${client} ${hash}.${salt}`, origin), "unchanged", origin);
  expect(answer(`${client} ${hash}.${salt}`, "https://evil.example"), "changed", "https://evil.example");
  expect(answer(`${client}d ${hash}.${salt}`.slice(0, 340), origin), n < 255 ? "changed" : "error", origin);
}
for (const data of ["", "x", 1, null, undefined, {}, ["a b.c"], "a b.c", " " + "h".repeat(43) + ".s", "a " + "h".repeat(43)]) {
  expect(answer(data, "https://rp.example"), "error", "https://rp.example");
}
for (const [origin, source] of [["null", {}], ["https://rp.example", null]]) {
  counted += 1;
  if (answer("x", origin, source) !== "nothing") wrong.push([origin, source]);
}
console.log(JSON.stringify({ counted, wrong }));
