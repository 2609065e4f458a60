// JSON as manifests have it: strictly, so that each reader takes and refuses the same texts.

const MAX_DEPTH = 64;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

const fractions = new WeakMap(); // for each list or object, where a number is not written as integer

/** Whether the number at a place of a list or object was written without fraction and exponent. */
export function isWhole(container, key) {
  return !fractions.get(container)?.has(String(key));
}

/**
 * Parse JSON: finite numbers, no name twice in an object, at most 64 levels.
 *
 * @param {string} text
 * @throws {SyntaxError} if it is anything else
 */
export function parseJson(text) {
  const parser = new Parser(text);
  const { value } = parser.value(0);
  parser.skip();
  if (parser.at < text.length) throw parser.error("something follows it");
  return value;
}

class Parser {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  error(what) {
    return new SyntaxError(`${what} at character ${this.at}`);
  }

  /** What a sticky pattern finds here; undefined if nothing. */
  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found ?? undefined;
  }

  skip() {
    this.take(SPACE);
  }

  /** Whether the next character is this one, which is then passed. */
  passes(character) {
    this.skip();
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  /** A value, and whether it is a number with a fraction or an exponent. */
  value(depth) {
    if (this.passes("{")) return { value: this.object(depth) };
    if (this.passes("[")) return { value: this.list(depth) };
    if (this.text[this.at] === '"') return { value: this.string() };
    const word = this.take(WORD);
    if (word) return { value: JSON.parse(word[0]) };
    const number = this.take(NUMBER);
    if (!number) throw this.error("no value");
    const value = Number(number[0]);
    if (!Number.isFinite(value)) throw this.error("a number that is not finite");
    return { value, fraction: number[1] !== undefined || number[2] !== undefined };
  }

  string() {
    const found = this.take(STRING);
    if (!found) throw this.error("a string that does not end as it must");
    return JSON.parse(found[0]);
  }

  object(depth) {
    if (depth >= MAX_DEPTH) throw this.error(`more than ${MAX_DEPTH} levels`);
    const result = {};
    if (this.passes("}")) return result;
    do {
      this.skip();
      const name = this.string();
      if (Object.hasOwn(result, name)) throw this.error("a name occurs twice in an object");
      if (!this.passes(":")) throw this.error("no colon");
      this.put(result, name, depth);
    } while (this.passes(","));
    if (!this.passes("}")) throw this.error("an object that does not end");
    return result;
  }

  list(depth) {
    if (depth >= MAX_DEPTH) throw this.error(`more than ${MAX_DEPTH} levels`);
    const result = [];
    if (this.passes("]")) return result;
    do this.put(result, result.length, depth);
    while (this.passes(","));
    if (!this.passes("]")) throw this.error("a list that does not end");
    return result;
  }

  put(container, key, depth) {
    const { value, fraction } = this.value(depth + 1);
    // Not by assignment, with which `__proto__` would be no name like others.
    const own = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(container, key, own);
    if (fraction) {
      if (!fractions.has(container)) fractions.set(container, new Set());
      fractions.get(container).add(String(key));
    }
  }
}
