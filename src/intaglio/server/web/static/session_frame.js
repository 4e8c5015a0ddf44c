// Answers whether a client's session state still holds (OpenID Connect Session Management 1.0 section 3.2).
// In the language of old engines, and with a SHA-256 of its own: browsers have none for pages on plain http.
"use strict";
(function () {
  var name = document.documentElement.getAttribute("data-cookie") + "=";
  var FORM = /^([\x21-\x7e]{1,255}) ([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{1,64})$/;
  // FIPS 180-4, 4.2.2 and 5.3.3.
  var K = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
  ];
  var START = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
  ];

  function kept() {
    var parts = document.cookie.split("; ");
    for (var i = 0; i < parts.length; i += 1) {
      if (parts[i].indexOf(name) === 0) {
        return parts[i].slice(name.length);
      }
    }
    return "";
  }

  function turn(x, n) {
    return (x >>> n) | (x << (32 - n));
  }

  // FIPS 180-4, 5.1.1: the message, a bit, zeros, and the length.
  function padded(text) {
    var words = [];
    var i;
    for (i = 0; i < text.length; i += 1) {
      words[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8);
    }
    words[i >> 2] |= 0x80 << (24 - (i % 4) * 8);
    words[(((i + 8) >> 6) << 4) + 15] = i * 8;
    return words;
  }

  // FIPS 180-4, 6.2.2.
  function compress(state, words, at) {
    var w = [];
    var s = state.slice();
    for (var i = 0; i < 64; i += 1) {
      var x = w[i - 15];
      var y = w[i - 2];
      w[i] = i < 16 ? words[at + i] | 0 :
        (w[i - 16] + w[i - 7] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10))) | 0;
      var one = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
      var two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
      s = [(one + two) | 0, s[0], s[1], s[2], (s[3] + one) | 0, s[4], s[5], s[6]];
    }
    return state.map(function (word, i) {
      return (word + s[i]) | 0;
    });
  }

  function hash(text) {
    var words = padded(text);
    var state = START;
    for (var at = 0; at < words.length; at += 16) {
      state = compress(state, words, at);
    }
    var octets = "";
    for (var i = 0; i < 32; i += 1) {
      octets += String.fromCharCode((state[i >> 2] >>> (24 - (i % 4) * 8)) & 255);
    }
    return btoa(octets).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  }

  function judge(message, origin) {
    var found = typeof message === "string" && FORM.exec(message);
    if (!found) {
      return "error";
    }
    return hash([found[1], origin, kept(), found[3]].join(" ")) === found[2] ? "unchanged" : "changed";
  }

  window.addEventListener("message", function (event) {
    // A sandboxed page has no origin to answer to.
    if (event.source && event.source !== window && event.origin !== "null") {
      event.source.postMessage(judge(event.data, event.origin), event.origin);
    }
  });
})();
