// Keeps the page for use without a network. What the server has wins; the cache is for its absence.

const SITE = { version: "", files: [] };

const CACHE = `kerasae ${self.registration.scope} ${SITE.version}`;
const PATIENCE = 3000; // milliseconds that a server may take to answer
const RELAXED_SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0],
  ...[65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
);

/** Of the two builds of LiteRT.js, a browser needs the one that it can run. */
function needed(path) {
  const other = WebAssembly.validate(RELAXED_SIMD) ? "wasm_compat_internal" : "wasm_internal";
  return !path.includes(other);
}

/** Past the browser's own cache, which may be older; but what has its version in its address. */
function asked(path) {
  return new Request(path, { cache: path.startsWith("litert/") ? "default" : "no-cache" });
}

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(
    caches.open(CACHE).then((cache) => cache.addAll(SITE.files.filter(needed).map(asked))),
  );
});

self.addEventListener("activate", (event) => {
  const mine = (name) => name.startsWith(`kerasae ${self.registration.scope} `) && name !== CACHE;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(mine).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const scope = self.registration.scope;
  if (request.method !== "GET" || !request.url.startsWith(scope)) return;
  const path = request.url.slice(scope.length).replace(/[?#].*$/, "") || "index.html";
  if (!SITE.files.includes(path)) return;
  event.respondWith(path.startsWith("litert/") ? kept(request, path) : fresh(request, path));
});

/** A file whose address has its version: the cached one is the right one. */
async function kept(request, path) {
  return (await cached(path)) ?? fetch(request);
}

/** The server's file if it answers soon, else the cached one. */
async function fresh(request, path) {
  const answer = fetch(request);
  answer.catch(() => {}); // its failure is dealt with below
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error("late")), PATIENCE);
  });
  try {
    return await Promise.race([answer, late]);
  } catch {
    return (await cached(path)) ?? answer;
  }
}

async function cached(path) {
  const cache = await caches.open(CACHE);
  return cache.match(new URL(path, self.registration.scope).href);
}
