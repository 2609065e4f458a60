import type { LabelledRun, Manifest, Run } from "./index.js";

/** What is used of a tensor of LiteRT.js 2. */
export interface LiteRtTensor {
  data(): Promise<ArrayBufferView>;
  delete(): void;
}

/** What is used of a model of LiteRT.js 2, and of each of its signatures. */
export interface LiteRtRunner<Tensor> {
  getInputDetails(): readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: ArrayLike<number>;
  }[];
  getOutputDetails(): readonly { readonly dtype: string; readonly shape: ArrayLike<number> }[];
  run(input: Tensor[]): Promise<LiteRtTensor[]>;
}

/** What is used of the module `@litertjs/core`, version 2, after `loadLiteRt`. */
export interface LiteRt<Tensor extends LiteRtTensor> {
  loadAndCompile(
    model: Uint8Array,
    options: { accelerator: "wasm" },
  ): Promise<LiteRtRunner<Tensor> & { readonly signatures: Record<string, LiteRtRunner<Tensor>> }>;
  /** Its values are typed differently by releases of TypeScript. */
  Tensor: new (values: never, shape: number[]) => Tensor;
}

/**
 * Load the models of a bundle on the CPU, and check that their edges are those of the manifest.
 *
 * @param litert the module, after `loadLiteRt`
 * @param files the contents, after `verifyFiles`
 * @returns what `Codec` takes
 * @throws {BundleError} if LiteRT.js cannot run a model
 */
export function openModels<Tensor extends LiteRtTensor>(
  litert: LiteRt<Tensor>,
  manifest: Manifest,
  files: Record<string, Uint8Array>,
): Promise<{
  encoder: Run;
  decoder: Run;
  /** Where the bundle has models that are told a class, and `files` holds them. */
  labelled?: { encoder: LabelledRun; decoder: LabelledRun };
}>;

/**
 * Refuse at once what LiteRT.js cannot run, in words that say what to do.
 *
 * @param text manifest.json, not yet checked
 * @throws {BundleError} if an edge is int8, or of a batch of any size
 */
export function refuseWhatNoBrowserRuns(text: string): void;
