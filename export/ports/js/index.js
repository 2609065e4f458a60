// Bundles and bitstreams of kerasae in JavaScript: plain ES modules without dependencies, for
// browsers and Node. FORMAT.md specifies what they do; they run no networks.

export { isStream, readImage, readStream, writeImage, writeStream } from "./bitstream.js";
export { Codec } from "./codec.js";
export { laneCount, Tables } from "./entropy.js";
export * from "./errors.js";
export { parseFamily } from "./family.js";
export { crc32, hex, sha256 } from "./hash.js";
export { Limits } from "./limits.js";
export { bundleHash, canonical, codeEdge, parseManifest, verifyFiles } from "./manifest.js";
export { PhotoCodec } from "./photo-codec.js";
export { familyId, readHead, readPhoto, writePhoto } from "./photo-file.js";
export { packPhoto, predictLowest, unpackPhoto, unpredictLowest } from "./photo.js";
export { Layout, spans } from "./tiling.js";
export { arrayFor, dequantise, pixelOf, quantise, stepsOf, symbolOf } from "./values.js";
