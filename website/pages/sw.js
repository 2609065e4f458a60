// Keeps the website for use without a network: its first page at once, others when they are seen,
// all of them when that is asked for. What the server has wins.

const SITE = { version: "", first: [], files: [], bytes: 0 };

const CACHE = `kerasae website ${self.registration.scope}`;
const PATIENCE = 3000; // milliseconds that a server may take to answer
const AT_ONCE = 8; // files

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SITE.first)));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  const named = request.url.includes("/litert/"); // its version is in the address
  event.respondWith(named ? kept(request) : fresh(request));
});

async function kept(request) {
  return (await found(request)) ?? fetched(request);
}

/** The server's file if it answers soon, else the cached one. */
async function fresh(request) {
  const answer = fetched(request);
  answer.catch(() => {}); // its failure is dealt with below
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error("late")), PATIENCE);
  });
  try {
    return await Promise.race([answer, late]);
  } catch {
    return (await found(request)) ?? answer;
  }
}

async function fetched(request) {
  const response = await fetch(request);
  if (response.ok && response.status === 200 && !response.redirected) {
    const copy = response.clone();
    caches.open(CACHE).then((cache) => cache.put(request.url.split("#")[0], copy));
  }
  return response;
}

async function found(request) {
  const cache = await caches.open(CACHE);
  const url = request.url.split(/[?#]/)[0];
  const other = url.endsWith("/") ? `${url}index.html` : url.replace(/\/index\.html$/, "/");
  return (await cache.match(url)) ?? (await cache.match(other));
}

self.addEventListener("message", ({ data, source }) => {
  if (data === "size") source.postMessage({ bytes: SITE.bytes });
  if (data === "keep") keep(source);
});

async function keep(page) {
  const cache = await caches.open(CACHE);
  const left = [...SITE.files];
  let done = 0;
  const take = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      const url = new URL(name, self.registration.scope).href;
      try {
        if (!(await cache.match(url))) await cache.add(url);
        done += 1;
      } catch {
        return; // the network is gone: what is there is kept
      }
      if (done % 10 === 0 || !left.length)
        page.postMessage({ kept: done, files: SITE.files.length, bytes: SITE.bytes });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, take));
}
