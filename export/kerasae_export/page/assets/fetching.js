// Files of the site, fetched with progress, and what is said where that fails.

/** Something that is neither the bundle's nor the image's fault, in a sentence for people. */
export class PageError extends Error {
  name = "PageError";
}

/**
 * Fetch a file, telling how far it is.
 *
 * @param {string} url
 * @param {(done: number, total: number) => void} tell
 * @returns {Promise<Uint8Array>}
 */
export async function download(url, tell = () => {}) {
  const stream = await open(url, tell);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The stream of a file, as `download` reads it. */
export async function open(url, tell) {
  const name = url.slice(url.lastIndexOf("/") + 1);
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new PageError(`${name} could not be loaded: the server does not answer.`);
  }
  if (!response.ok) {
    const missing = response.status === 404 ? "it is missing on the server" : response.statusText;
    throw new PageError(`${name} could not be loaded: ${missing || response.status}.`);
  }
  const sizes = ["X-Size", "Content-Length"].map((header) => Number(response.headers.get(header)));
  const total = sizes.find((size) => size > 0) ?? 0;
  let done = 0;
  const count = new TransformStream({
    transform(chunk, controller) {
      done += chunk.length;
      tell(done, Math.max(done, total));
      controller.enqueue(chunk);
    },
  });
  return response.body.pipeThrough(count);
}
