// The errors of bundles and bitstreams; each message is one sentence for a person.

/** A bundle is incomplete, damaged, or its manifest breaks a rule. */
export class BundleError extends Error {
  name = "BundleError";
}

/** A `.kae` file or stream could not be decoded. */
export class BitstreamError extends Error {
  name = "BitstreamError";
}

/** The bytes are damaged, truncated, or no kerasae bitstream at all. */
export class CorruptBitstreamError extends BitstreamError {
  name = "CorruptBitstreamError";
}

/** The bytes are of a version of the format that this code does not read. */
export class BitstreamVersionError extends BitstreamError {
  name = "BitstreamVersionError";
}

/** The bytes were made with another bundle. */
export class BitstreamBundleError extends BitstreamError {
  name = "BitstreamBundleError";
}

/** The bytes are intact but ask for more than the reader allows. */
export class BitstreamLimitError extends BitstreamError {
  name = "BitstreamLimitError";
}
