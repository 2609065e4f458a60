// The types of what index.js exports. What is computed from a manifest is described in FORMAT.md.

/** Any array of bytes; functions give those that own their memory. */
type Bytes = Uint8Array;

/** A bundle is incomplete, damaged, or its manifest breaks a rule. */
export class BundleError extends Error {
  name: string;
}
/** A `.kae` file or stream could not be decoded. */
export class BitstreamError extends Error {
  name: string;
}
/** The bytes are damaged, truncated, or no kerasae bitstream at all. */
export class CorruptBitstreamError extends BitstreamError {}
/** The bytes are of a version of the format that this code does not read. */
export class BitstreamVersionError extends BitstreamError {}
/** The bytes were made with another bundle. */
export class BitstreamBundleError extends BitstreamError {}
/** The bytes are intact but ask for more than the reader allows. */
export class BitstreamLimitError extends BitstreamError {}

/** The type of the values at an edge of a model. */
export type DType = "uint8" | "float32" | "int32";

/** An input or output of a model. */
export interface Edge {
  shape: number[];
  dtype: DType;
  scale: number;
  zero_point: number;
}

/** A model of a bundle. */
export interface Part {
  file: string;
  input: Edge;
  output: Edge;
  /** The signature to run, where one file holds both models. */
  signature?: string;
}

/** A model of a bundle that is told a class. */
export interface LabelPart {
  file: string;
  input: Edge;
  /** The class, one-hot. */
  label: Edge;
  output: Edge;
}

/** The frequencies of one channel's symbols, the last of them of the escape. */
export interface Table {
  offset: number;
  frequencies: ArrayLike<number>;
}

/** How finely a code is rounded, and how its symbols are coded. */
export interface Quality {
  step: { exponent: number; mantissas: number[] };
  classes: number;
  tables: { offset: number; frequencies: number[] }[];
}

/** The codec part of a manifest. */
export interface CodecSpec {
  channels: number;
  tile: number[];
  layout: "grid" | "blocks";
  stride: number;
  margin: number;
  code_shape: number[];
  codebook: number;
  group: number;
  table_bits: number;
  qualities: Quality[];
}

/** A manifest that was checked. */
export interface Manifest {
  format: "kerasae-bundle";
  /** 2 with the schemes `"int16x8"` and `"mixed"`, 1 with the others. */
  format_version: 1 | 2;
  scheme: "float32" | "float16" | "dynamic" | "int8" | "int16x8" | "mixed";
  bundle_hash: string;
  pixel_tolerance: number;
  encoder: Part;
  decoder: Part;
  codec: CodecSpec;
  files: Record<string, { sha256: string; bytes: number }>;
  facts: Record<string, unknown>;
  /** The models as ONNX files, where the bundle has them. */
  onnx?: { encoder: string; decoder: string; pixel_tolerance: number };
  /** The models that are told a class, and the names of the classes, where the bundle has them. */
  labels?: { names: string[]; pixel_tolerance: number; encoder: LabelPart; decoder: LabelPart };
}

/**
 * Parse and check `manifest.json`.
 *
 * @throws {BundleError} if a field breaks its rule
 */
export function parseManifest(data: Bytes | string): Manifest;
/**
 * Check files against the manifest; those of encoder and decoder at least.
 *
 * @throws {BundleError} if one is missing or another
 */
export function verifyFiles(manifest: Manifest, files: Record<string, Bytes>): void;
/** The 32 bytes that name a bundle. */
export function bundleHash(codec: CodecSpec, decoder: Bytes): Bytes;
/** JSON with sorted keys and no white space. */
export function canonical(value: unknown): string;
/** The shape of the code at the edges of the models. */
export function codeEdge(codec: CodecSpec): number[];

/** Rows of pixels from the top, with the channels of the codec and no alpha. */
export interface Image {
  data: Uint8Array | Uint8ClampedArray;
  height: number;
  width: number;
}

/** The symbols of an image, channels of the code running fastest. */
export interface Coded {
  symbols: ArrayLike<number>;
  height: number;
  width: number;
  quality?: number;
}

/** The symbols of an image of a file. */
export interface Unpacked extends Coded {
  symbols: Int32Array;
  quality: number;
}

/** The values of a model's input or output, of its type. */
export type Values = Uint8Array | Float32Array | Int32Array;
/** Runs a model once: takes exactly the values of its input, gives those of its output. */
export type Run = (input: Values) => Values | Promise<Values>;

/** Runs a model that is told a class: takes the values of both inputs. */
export type LabelledRun = (input: Values, label: Values) => Values | Promise<Values>;

/** What a reader allows (FORMAT.md, 7.1). */
export interface LimitOptions {
  maxPixels?: number | undefined;
  maxImages?: number | undefined;
  maxExpansion?: number | undefined;
}

/** Which quality: 1, the smallest files, to the best, which is the default. */
export interface QualityOption {
  quality?: number | undefined;
}

/** Which class is told, by its name or its number; by default none. */
export interface LabelOption {
  label?: string | number | null | undefined;
}

export interface CodecOptions extends LimitOptions {
  encoder?: Run;
  decoder?: Run;
  labelled?: { encoder: LabelledRun; decoder: LabelledRun } | undefined;
}

/** Compresses images to bytes and back with a bundle. */
export class Codec {
  constructor(manifest: Manifest, options?: CodecOptions);
  readonly manifest: Manifest;
  readonly spec: CodecSpec;
  readonly layout: Layout;
  readonly limits: Limits;
  readonly maxPixels: number;
  get qualities(): number;
  /** Of the classes that the models may be told; none for most bundles. */
  get classNames(): string[];
  compress(image: Image, options?: QualityOption & LabelOption): Promise<Bytes>;
  decompress(data: Bytes, options?: LabelOption): Promise<Image>;
  compressMany(
    images: Iterable<Image>,
    options?: QualityOption & LabelOption,
  ): Promise<Bytes>;
  decompressMany(data: Bytes, options?: LabelOption): Promise<Image[]>;
  pack(
    symbols: ArrayLike<number>,
    height: number,
    width: number,
    options?: QualityOption,
  ): Bytes;
  unpack(data: Bytes): Unpacked;
  packMany(coded: Iterable<Coded>): Bytes;
  unpackMany(data: Bytes): Iterable<Unpacked>;
  encode(image: Image, options?: QualityOption & LabelOption): Promise<Int32Array>;
  decode(
    symbols: ArrayLike<number>,
    height: number,
    width: number,
    options?: QualityOption & LabelOption,
  ): Promise<Image>;
}

/** What a reader allows. */
export class Limits {
  constructor(limits?: LimitOptions);
  readonly maxPixels: number;
  readonly maxImages: number;
  readonly maxExpansion: number;
  get escapes(): number;
  checkEscapes(number: number): void;
}

/** Images of one size that share an entropy-coded payload. */
export interface Block {
  count: number;
  height: number;
  width: number;
  quality: number;
  payload: Bytes;
}

/** What a bitstream is checked against. */
export interface Names {
  hash: Bytes;
  qualities: number;
  maxPixels: number;
  budget?: (received: number) => { take: (block: Block) => void };
}

/** Whether the bytes begin like a stream of many images, not like a single one. */
export function isStream(data: Bytes): boolean;
export function readImage(data: Bytes, names: Names): Block;
export function readStream(data: Bytes, names: Names): Iterable<Block>;
export function writeImage(block: Block, names: Names): Bytes;
export function writeStream(blocks: Iterable<Block>, names: Names): Bytes;

/** Number of lanes for a number of symbols. */
export function laneCount(symbols: number): number;

/** The tables of all channels, one set for each class of content, and the coder with them. */
export class Tables {
  constructor(tables: Table[], channels: number);
  encode(symbols: ArrayLike<number>, classOf?: (row: number) => number): Bytes;
  decode(
    data: Bytes,
    count: number,
    classOf?: (row: number) => number,
    limits?: { checkEscapes: (number: number) => void },
  ): Int32Array;
  cheapestClasses(
    symbols: ArrayLike<number>,
    groupOf: (row: number) => number,
    groups: number,
  ): Bytes;
}

export function crc32(...pieces: Bytes[]): number;
export function sha256(data: Bytes): Bytes;
export function hex(bytes: Iterable<number>): string;

/** A tile along one axis, in cells: where it starts, and the cells that are taken from it. */
export interface Span {
  origin: number;
  start: number;
  stop: number;
}
export function spans(cells: number, tile: number, margin: number): Span[];

/** The sizes that follow from a bundle's codec part. */
export class Layout {
  constructor(codec: CodecSpec);
  readonly codec: CodecSpec;
  readonly tileCells: number[];
  readonly pitch: number[];
  readonly depth: number;
  cells(height: number, width: number): number[];
  count(height: number, width: number): number;
  spans(height: number, width: number): Span[][];
  runs(height: number, width: number): number;
  groupCount(height: number, width: number): number;
  groupOf(height: number, width: number): (cell: number) => number;
}

/** An array for an edge of a model. */
export function arrayFor(edge: Pick<Edge, "shape" | "dtype">): Values;
export function quantise(value: number, edge: Edge): number;
export function dequantise(value: number, edge: Edge): number;
export function stepsOf(quality: Pick<Quality, "step">): Float64Array;
export function symbolOf(value: number, step: number): number;
export function pixelOf(output: number, edge: Edge): number;

/** The tables of photographs: the content of a checked `family.json`. */
export interface Family {
  readonly hash: Bytes;
  /** Four hexadecimal digits, by which files name it. */
  readonly id: string;
  readonly steps: number[];
  /** Number of classes. */
  readonly count: number;
  readonly neighbours: number;
  readonly bands: number;
}

/**
 * Parse and check `family.json`.
 *
 * @throws {BundleError} if a field breaks its rule
 */
export function parseFamily(content: Bytes): Family;

/** What a file of a photograph says before its payload. */
export interface Head {
  quality: number;
  height: number;
  width: number;
}

/** What the payload of a photograph holds. */
export interface CodedPhoto {
  /** Of each channel in each cell, cells running fastest. */
  symbols: Int16Array;
  classes: Bytes;
  /** The table of each symbol. */
  tables: Bytes;
}

/** Is told how far the transform of a photograph is, in rows of cells. */
export type Tell = (done: number, total: number) => void;

/** What the files of all qualities of a photograph share. */
export interface Analysed {
  family: Family;
  coefficients: Int32Array;
  height: number;
  width: number;
}

/** Compresses photographs to bytes and back, without any network. */
export class PhotoCodec {
  constructor(
    ids: string[],
    load: (id: string) => Bytes | Promise<Bytes>,
    options?: { maxPixels?: number | undefined; maxExpansion?: number | undefined },
  );
  readonly ids: string[];
  readonly limits: Limits;
  readonly maxPixels: number;
  get qualities(): number;
  family(id: string): Promise<Family>;
  compress(image: Image, options?: QualityOption): Promise<Bytes>;
  analyse(image: Image, options?: { tell?: Tell | undefined }): Promise<Analysed>;
  write(analysed: Analysed, options?: QualityOption): Bytes;
  decompress(
    data: Bytes,
    options?: { tell?: Tell | undefined },
  ): Promise<Image & { quality: number }>;
  unpack(data: Bytes): Promise<Head & { family: Family; coded: CodedPhoto }>;
}

/** The id of the family of a file of a photograph; else undefined. */
export function familyId(data: Bytes): string | undefined;
export function readHead(data: Bytes): Head;
export function readPhoto(
  data: Bytes,
  names: { hash: Bytes; maxPixels: number; check?: (head: Head, size: number) => void },
): Head & { payload: Bytes };
export function writePhoto(head: Head, payload: Bytes, hash: Bytes): Bytes;
export function packPhoto(
  family: Family,
  symbols: Int16Array,
  classes: Bytes,
  columns: number,
  quality: number,
): Bytes;
export function unpackPhoto(
  family: Family,
  payload: Bytes,
  rows: number,
  columns: number,
  quality: number,
  limits?: { checkEscapes: (number: number) => void },
): CodedPhoto;
export function predictLowest(symbols: Int16Array, rows: number, columns: number): void;
export function unpredictLowest(symbols: Int16Array, rows: number, columns: number): void;
