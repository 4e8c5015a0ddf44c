/** The two ways in which the engine does not answer: it refuses, or this browser is not able. */

/** A token, a key or an expectation was refused; `detail` is what the library's error would tell. */
export class Refused extends Error {
  /** @param {string} code @param {Record<string, unknown>} detail @param {string} hint */
  constructor(code, detail = {}, hint = "") {
    super(code);
    this.code = code;
    this.detail = detail;
    this.hint = hint;
  }

  /** The rule that was broken, in words. */
  get rule() {
    return this.detail.rule ?? "";
  }
}

/** The browser has not the algorithm; nothing is believed and nothing refused by that. */
export class Unable extends Error {}

/**
 * @template T
 * @param {Promise<T>} promise of something that only a missing algorithm can make fail
 * @returns {Promise<T>}
 */
export async function able(promise) {
  try {
    return await promise;
  } catch (fault) {
    throw new Unable(fault.name);
  }
}

const absent = { get: () => () => Promise.reject(new DOMException("not a secure context", "NotSupportedError")) };

/** WebCrypto; where the page was not loaded over TLS there is none, and whatever is asked of it is not supported. */
export const subtle = globalThis.crypto?.subtle ?? new Proxy({}, absent);
