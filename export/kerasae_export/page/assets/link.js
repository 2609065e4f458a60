// A `.kae` file in the fragment of an address, which browsers do not send to any server.

const KEY = "kae=";

/** Bytes as text that an address may hold (base64url without padding). */
export function toText(data) {
  let binary = "";
  for (let i = 0; i < data.length; i += 4096) {
    binary += String.fromCharCode(...data.subarray(i, i + 4096));
  }
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The bytes of such a text; null if it is damaged. */
export function fromText(text) {
  if (!/^[\w-]*$/.test(text)) return null;
  try {
    const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** The address of this page with a file inside. */
export function linkTo(data, address = location.href) {
  return `${address.split("#")[0]}#${KEY}${toText(data)}`;
}

/** The text of the file that an address holds; null if it holds none. */
export function inside(fragment) {
  const text = fragment.replace(/^#/, "");
  return text.startsWith(KEY) ? text.slice(KEY.length) : null;
}

/** Drop a received file from the address when something else is shown. */
export function forgetAddress() {
  if (inside(location.hash) !== null) history.replaceState(null, "", location.href.split("#")[0]);
}
